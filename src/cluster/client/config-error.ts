/** What the operator has set is wrong, and waiting will not mend it. */
export class ClusterConfigError extends Error {}
