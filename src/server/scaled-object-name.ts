/** A ScaledObject as warm-ups, shares and marks are kept by it. */
export interface ScaledObjectName {
  readonly namespace: string;
  readonly name: string;
  /** Of one of its triggers; undefined: all of them. */
  readonly digest: string | undefined;
}

/** @param text `namespace/name`, or `namespace/name/digest` for one of its triggers */
export function scaledObjectName(text: string): ScaledObjectName {
  const [namespace = '', name = '', digest] = text.split('/');
  return { namespace, name, digest };
}
