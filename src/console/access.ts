import { createHash, timingSafeEqual } from 'node:crypto';

/**
 * Who may use the admin API, to read and to ask for replicas: this machine and pod (which is where `kubectl port-forward` comes from), and whoever
 * brings the bearer token. What it shows is every tenant's metadata and decisions.
 *
 * @param token null or empty: loopback alone
 */
export function mayUse(
  remote: string | undefined,
  authorization: string | undefined,
  token: string | null,
): boolean {
  if (remote !== undefined && isLoopback(remote)) return true;
  const given = /^Bearer (.+)$/i.exec(authorization ?? '')?.[1];
  return token !== null && token !== '' && given !== undefined && sameText(given.trim(), token);
}

/**
 * Whether a browser sent this from a page of another server: such a page can reach loopback with the rights of whoever
 * looks at it. Programs name no origin.
 */
export function isFromAnotherPage(origin: string | undefined, host: string | undefined): boolean {
  if (origin === undefined) return false;
  return !URL.canParse(origin) || new URL(origin).host !== host;
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^(?:::ffff:)?127\./.test(address);
}

/** Compares digests, so that neither length nor a common beginning shows in the time it takes. */
function sameText(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
