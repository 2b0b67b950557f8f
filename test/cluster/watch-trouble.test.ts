import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ForeignAddresses } from '../../src/cluster/foreign-addresses.js';
import type { JsonRecord } from '../../src/cluster/objects/json.js';
import { saidOnce } from '../../src/cluster/said-once.js';
import type { Cluster, WatchStatus } from '../../src/ports/cluster.js';
import { ApiServer, TOKEN } from '../support/api-server.js';
import { deployment, openOn, scaledObject } from '../support/cluster-under-test.js';
import { eventually } from '../support/processes.js';

const TARGET = { namespace: 'ns', kind: 'deployment', name: 'llm' } as const;
/** Longer than a test may take: what resolves has not waited for it. */
const NEVER = 120_000;

describe('what is wrong with the whole API server', () => {
  let server: ApiServer;
  let cluster: Cluster | null = null;

  beforeEach(async () => {
    server = await ApiServer.start();
    server.put('scaledobjects', scaledObject('llm'));
    server.put('deployments', deployment('llm', 2));
  });
  afterEach(async () => {
    await cluster?.close();
    cluster = null;
    await server.stop();
  });

  it('is said once for all watches, and once more when it comes again', async () => {
    server.token = 'another';
    const opened = await openOn(server, { startWithin: NEVER });
    ({ cluster } = opened);
    expect(opened.warnings).toEqual([expect.stringMatching(/does not accept our credentials \(401\)/)]);
    server.token = TOKEN;
    const isKnown = () => cluster?.replicas(TARGET)?.current === 2 && server.watchers('events') === 1;
    await eventually('known', async () => (isKnown() ? true : undefined));
    opened.warnings.length = 0;
    server.token = 'another';
    server.hangUp();
    const isLost = ({ health }: WatchStatus) => health.kind === 'stale' && health.why.includes('(401)');
    await eventually('all lost', async () => (cluster?.health().watches.every(isLost) ? true : undefined));
    expect(opened.warnings.filter((each) => each.includes('401'))).toHaveLength(1);
  });

  it('is said again once a watch that had it was well again, and of an object it is always said', () => {
    const said: string[] = [];
    const log = saidOnce({
      info: () => undefined,
      warn: (details, message) => void said.push(`${(details as { resource: string }).resource}: ${message}`),
    });
    const [down, unreadable] = ['cannot reach the API server', 'an object that cannot be read is left out'];
    for (const resource of ['pods', 'nodes']) {
      log.warn({ resource }, down);
      log.warn({ resource }, unreadable);
    }
    for (const resource of ['pods', 'nodes']) log.info({ resource }, 'watched again');
    log.warn({ resource: 'nodes' }, down);
    expect(said).toEqual([`pods: ${down}`, `pods: ${unreadable}`, `nodes: ${unreadable}`, `nodes: ${down}`]);
  });

  it('does not hold up the start, nor do missing rights, each of which is said', async () => {
    for (const resource of ['scaledobjects', 'deployments', 'pods']) server.forbidden.add(resource);
    const opened = await openOn(server, { startWithin: NEVER });
    ({ cluster } = opened);
    expect(opened.warnings).toHaveLength(3);
    expect(cluster.health().kind).toBe('starting');
  });
});

describe('a ScaledObject with the address of another scaler', () => {
  it('is warned of once when KEDA asks this one about it', async () => {
    const server = await ApiServer.start();
    server.put('scaledobjects', scaledObject('llm'));
    const { cluster, warnings } = await openOn(server, { addresses: ['a:1', 'b:2'] });
    for (let asked = 0; asked < 3; asked += 1) expect(cluster.scaledObject('ns', 'llm')).toBeNull();
    expect(cluster.scaledObject('ns', 'none')).toBeNull();
    expect(warnings).toEqual([
      'KEDA asks this scaler about it, but its scalerAddress is "pilotlight:50051", and --scaler-address names only "a:1", "b:2"',
    ]);
    await cluster.close();
    await server.stop();
  });

  it('is known until it is gone, or names this one', () => {
    const foreign = new ForeignAddresses(new Set(['here:1']));
    const nothing = () => undefined;
    const put = () => 'taken' as const;
    const sink = foreign.beside({ begin: nothing, end: nothing, remove: nothing, put, size: () => 0 });
    const object = (name: string, scalerAddress: string) =>
      scaledObject(name, {
        triggers: [{ type: 'external', metadata: { scalerAddress } }],
      }) as unknown as JsonRecord;
    const known = () => ['a', 'b', 'c'].filter((name) => foreign.why(`ns/${name}`) !== null);
    sink.begin();
    for (const name of ['a', 'b', 'c']) sink.put(object(name, 'there:1'));
    sink.end();
    expect(known()).toEqual(['a', 'b', 'c']);
    sink.put(object('a', 'Here:1'));
    sink.remove(object('b', 'there:1'));
    expect(known()).toEqual(['c']);
    sink.begin();
    sink.end();
    expect(known()).toEqual([]);
  });
});
