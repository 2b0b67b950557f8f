/** Go's strconv.ParseBool; what is no boolean pauses. */
const FALSE = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False']);

/** KEDA 2.20, `NeedToBePausedByAnnotation`: `paused-replicas` pauses whatever its number; `paused` unless it says false. */
export function isPaused(annotations: Readonly<Record<string, string>>): boolean {
  const paused = annotations['autoscaling.keda.sh/paused'];
  if (annotations['autoscaling.keda.sh/paused-replicas'] !== undefined) return true;
  return paused !== undefined && !FALSE.has(paused);
}
