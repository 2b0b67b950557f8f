/** A setting as it may be shown: without the user and password of an address, and without the values of headers. */
export function masked(name: string, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((each) => masked(name, each));
  if (typeof value !== 'string') return value;
  if (name === 'prometheusHeader') return value.includes('=') ? value.replace(/=.*$/s, '=***') : '***';
  // Up to the last @: a password that somebody forgot to encode may hold one itself.
  return value.replace(/\/\/.*@/s, '//***@');
}
