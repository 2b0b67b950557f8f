import { createHash, timingSafeEqual } from 'node:crypto';

/**
 * Who may read the admin API: this machine and pod (which is where `kubectl port-forward` comes from), and whoever
 * brings the bearer token. What it shows is every tenant's metadata and decisions.
 *
 * @param token null or empty: loopback alone
 */
export function mayRead(
  remote: string | undefined,
  authorization: string | undefined,
  token: string | null,
): boolean {
  if (remote !== undefined && isLoopback(remote)) return true;
  const given = /^Bearer (.+)$/i.exec(authorization ?? '')?.[1];
  return token !== null && token !== '' && given !== undefined && sameText(given.trim(), token);
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^(?:::ffff:)?127\./.test(address);
}

/** Compares digests, so that neither length nor a common beginning shows in the time it takes. */
function sameText(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
