import { Agenda, Server } from './agenda.js';
import { Client } from './client.js';
import { Cluster } from './cluster.js';
import { Draws } from './draws.js';
import type { Costs, Outcome, Site, Workload } from './model.js';

/** A sweep on a grid, as a simulation of discrete events. The same seed gives the same outcome. */
export function simulate(work: Workload, site: Site, costs: Costs, seed: number): Outcome {
  const agenda = new Agenda();
  const servers = {
    operations: new Server(agenda, site.operationsPerSecond),
    bytes: new Server(agenda, site.bytesPerSecond),
    scheduler: new Server(agenda, site.jobStartsPerSecond),
    client: new Server(agenda, 1),
  };
  const cluster = new Cluster({ agenda, servers, work, site, costs, draws: new Draws(seed) });
  const client = new Client({ agenda, server: servers.client, work, costs, cluster });
  client.start();
  agenda.run(() => client.done === work.points);
  const slots = site.nodes * site.slotsPerNode;
  const seconds = agenda.now;
  const share = (busy: number) => busy / seconds;
  return {
    seconds,
    idealSeconds: (work.points * work.seconds) / slots,
    ...{ done: client.done, given: client.given, computed: cluster.computed, jobs: client.jobs },
    ...{ nodeFailures: cluster.nodeFailures, mostRunning: cluster.mostRunning },
    copiedBytes: cluster.copiedBytes,
    busy: {
      slots: share(cluster.computedSeconds / slots),
      client: share(servers.client.busy),
      scheduler: share(servers.scheduler.busy),
      operations: share(servers.operations.busy),
      bytes: share(servers.bytes.busy),
    },
  };
}
