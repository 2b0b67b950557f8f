export type Allowed =
  { readonly ok: true; readonly url: string } | { readonly ok: false; readonly why: string };

/** A path without percent-encoding, parameters or anything else that two servers may read differently. */
const PLAIN_PATH = /^\/[\w.~:/-]*$/;
const LONGEST = 2048;

interface Place {
  readonly origin: string;
  /** Without a slash at its end: the root is the empty string. */
  readonly path: string;
}

/**
 * Whether an address that a tenant wrote may be asked: scheme, host and port of an allowed one, and its path or one
 * below it. Use the returned address, not the tenant's text: only the former has been compared.
 *
 * @param allowed the operator's addresses; one that is no `http(s)://host[:port][/prefix]` allows nothing
 */
export function isAllowed(url: string, allowed: readonly string[]): Allowed {
  const place = placeOf(url);
  if (typeof place === 'string') return { ok: false, why: place };
  const fits = allowed.some((entry) => {
    const other = placeOf(entry);
    return typeof other !== 'string' && within(place, other);
  });
  if (fits) return { ok: true, url: place.origin + place.path };
  const list = allowed.length === 0 ? 'no other Prometheus is allowed' : `allowed: ${allowed.join(', ')}`;
  return { ok: false, why: `${place.origin}${place.path} is not on this server's allow list; ${list}` };
}

function within(place: Place, allowed: Place): boolean {
  return (
    place.origin === allowed.origin &&
    (place.path === allowed.path || place.path.startsWith(`${allowed.path}/`))
  );
}

/** The address in the one form that is compared, or what is wrong with it. */
function placeOf(text: string): Place | string {
  if (text.length > LONGEST) return `the address is longer than ${LONGEST} characters`;
  const match = /^(https?):\/\/([^/?#\\\s]+)([^?#\\\s]*)$/i.exec(text);
  if (match === null || !URL.canParse(text))
    return 'expected an address such as http://prometheus.monitoring:9090, without query and fragment';
  const [, , authority = '', path = ''] = match;
  if (authority.includes('@')) return 'the address must not hold a user or password';
  if (authority.includes('%')) return 'the host must not be percent-encoded';
  if (path !== '' && !isPlain(path))
    return 'the path may hold letters, digits, and - . _ ~ : between single slashes, and no . or .. on its own';
  // The URL parser lower-cases the host, writes IPv4 and IPv6 in one form and leaves out the scheme's own port.
  const { protocol, hostname, port } = new URL(text);
  const host = hostname.endsWith('.') ? hostname.slice(0, -1) : hostname;
  if (host === '' || host.endsWith('.')) return 'the address has no host';
  return { origin: `${protocol}//${host}${port === '' ? '' : `:${port}`}`, path: path.replace(/\/$/, '') };
}

function isPlain(path: string): boolean {
  if (!PLAIN_PATH.test(path)) return false;
  const segments = path.replace(/\/$/, '').split('/').slice(1);
  return segments.every((segment) => segment !== '' && segment !== '.' && segment !== '..');
}
