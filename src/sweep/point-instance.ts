/** What the instance of a point is called while it runs: by it, others on this host address it. */
export const pointInstance = (appliance: string, pid: number, index: number): string =>
  `${appliance}-${pid}-${index}`;
