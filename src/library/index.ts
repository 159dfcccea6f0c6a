// What programs import from 'gva'. Everything here, and nothing else, keeps its shape within a major version.

export { type LoadOptions, type LoadedAppliance, loadAppliance } from './appliance.js';
export { type InputFileWish, type RunOptions, run } from './run.js';
export { type SweepOptions, sweep } from './sweep.js';
export type { ParameterAxis, SweepPlan } from './plan.js';
export { type ResultsRow, readResults } from './results.js';
export type { InstanceOptions } from './options.js';
export type { Running } from './running.js';
export { pointFolder } from './point-folder.js';
export { ExitCode, GvaError, type GvaErrorOptions } from '../system/errors.js';

export type { Appliance, DeploymentOption, WarmUp } from '../model/appliance.js';
export type { Architecture } from '../model/base.js';
export type { BaseRequirements, BaseWish, PackageRelation, PackageRequirement } from '../model/base-wish.js';
export type { GuestEventName } from '../model/guest-event.js';
export type { InstanceEvent } from '../model/instance-event.js';
export type { KeepKind } from '../model/keep.js';
export type {
  ParameterDeclaration,
  ParameterType,
  ParameterValue,
  ParameterValues,
} from '../model/parameter.js';
export type {
  CollectedOutput,
  FailureCause,
  InstanceResult,
  InstanceState,
  InstanceTimes,
  ScriptResult,
} from '../model/result.js';
export type { PoolChoice, StartChoice } from '../model/start.js';
export type {
  Gathered,
  Point,
  PointCounts,
  PointOutcome,
  PointState,
  SweepEvent,
  SweepNote,
  SweepSummary,
} from '../model/sweep.js';
export type { FailedPoint, GridStanding, RunningPoint, SweepStatus } from '../model/sweep-status.js';
