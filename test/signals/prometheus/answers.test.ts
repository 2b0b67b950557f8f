import { createGzip, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { answered, askFake, failure, fromTrigger, pair, T, vector } from './support.js';

/** What one whole body with status 200 comes to. */
async function askBody(body: string | Buffer, headers: Record<string, string> = {}) {
  const { result } = await askFake((response) => response.writeHead(200, headers).end(body));
  return result;
}

const large = (pods: number) =>
  vector(Array.from({ length: pods }, (_, i) => pair(`pod-${i}`, `${i}`)).flat());

describe('an answer', () => {
  it('may be empty', async () => {
    expect(answered(await askBody(vector([])))).toEqual([]);
  });

  it('may be 20 MB long', async () => {
    const body = large(110_000);
    expect(body.length).toBeGreaterThan(20_000_000);
    const series = answered(await askBody(body));
    expect(series).toHaveLength(110_000);
    expect(series.every(({ sample }, i) => sample.value === i && sample.pod === `pod-${i}`)).toBe(true);
  });

  it('may be compressed', async () => {
    const body = gzipSync(large(5000));
    expect(answered(await askBody(body, { 'content-encoding': 'gzip' }))).toHaveLength(5000);
  });

  it('may be indented by a proxy', async () => {
    const body = JSON.stringify(JSON.parse(vector(pair('a', '3'))), null, 2);
    expect(answered(await askBody(body))).toHaveLength(1);
  });

  it('may carry remarks that take nothing away from it', async () => {
    const remark = 'PromQL info: metric might not be a counter, name does not end in _total';
    expect(answered(await askBody(vector(pair('a', '3'), { infos: [remark] })))).toHaveLength(1);
    expect(answered(await askBody(vector(pair('a', '3'), { warnings: [remark] })))).toHaveLength(1);
    expect(answered(await askBody(vector(pair('a', '3'), { warnings: [], isPartial: false })))).toHaveLength(
      1,
    );
  });
});

describe('an answer is refused', () => {
  const scalar = JSON.stringify({ status: 'success', data: { resultType: 'string', result: [T, 'hello'] } });
  const matrix = JSON.stringify({
    status: 'success',
    data: { resultType: 'matrix', result: [{ metric: { pod: 'a' }, values: [[T, '1']] }] },
  });
  const longMatrix = matrix.replace(
    '}]}',
    `}${`,{"metric":{"pod":"b"},"values":[[${T},"1"]]}`.repeat(2000)}]}`,
  );
  const histogram = vector([{ metric: { pilotlight: 'value' }, histogram: [T, { count: '3', sum: '1.5' }] }]);
  const error = JSON.stringify({
    status: 'error',
    errorType: 'bad_data',
    error: `1:3:\n\u001b[31m${'x'.repeat(500)}`,
  });
  const strange = { metric: { namespace: 'shop', pod: 'a', pilotlight: 'value' } };

  it.each([
    [
      'when it is partial',
      vector(pair('a', '1'), { warnings: ['store s1 is down'] }),
      'partial answer: store s1 is down',
    ],
    [
      'when a storage node is missing',
      vector([], { isPartial: true }),
      'partial answer: not every storage node answered',
    ],
    ['when it is a string', scalar, 'the query returns string; expected an instant vector or a scalar'],
    ['when it is a range', matrix, 'the query returns matrix; expected an instant vector or a scalar'],
    ['when it has native histograms', histogram, 'the query returns native histograms'],
    ['when it is an error in spite of status 200', error, 'bad_data: 1:3: [31mxxx'],
    ['when it is not JSON', '<html>busy</html>', 'it is not JSON, or it ends too early'],
    ['when it is empty', '', 'it is not JSON, or it ends too early'],
    ['when it is other JSON', '{"hits":[]}', 'it is not that of /api/v1/query'],
    ['when it is null', 'null', 'it is not that of /api/v1/query'],
    ['when it has no data', '{"status":"success"}', 'the query returns nothing'],
    [
      'when its result is no list',
      '{"status":"success","data":{"resultType":"vector","result":{}}}',
      'it is not that',
    ],
    ['when it is a long range', longMatrix, 'the query returns a range vector; expected an instant vector'],
    ['when an element is null', vector([null]), 'an element is not a labelled sample'],
    ['when a value is no number', vector(pair('a', 'lots')), 'an element is not a labelled sample'],
    ['when a value is empty', vector(pair('a', '')), 'an element is not a labelled sample'],
    ['when a value is missing', vector([strange]), 'an element is not a labelled sample'],
    ['when its text stops', vector(pair('a', '1')).slice(0, -3), 'it is not JSON, or it ends too early'],
    ['when a long text stops', large(5000).slice(0, -3), 'it is not JSON, or it ends too early'],
    ['when it is longer than the limit', large(200_000), 'more than 33554432 bytes'],
  ])('%s', async (_, body, why) => {
    const said = failure(await askBody(body));
    expect(said).toContain(why);
    expect(said).toMatch(/^Prometheus http:\/\/127\.0\.0\.1:\d+: \P{Cc}{1,400}$/u);
  });

  it('when the connection breaks in the middle of it', async () => {
    const { result } = await askFake((response) => {
      response.writeHead(200, { 'content-length': '100000' });
      response.write(large(100), () => response.destroy());
    });
    expect(failure(result)).toMatch(/connection failed: (aborted|socket hang up|read ECONNRESET)/);
  });

  it('when it is a small body that swells', async () => {
    const { result } = await askFake((response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' });
      const gzip = createGzip();
      gzip.pipe(response);
      for (let i = 0; i < 64; i += 1) gzip.write(Buffer.alloc(1024 * 1024, ' '));
      gzip.end();
    });
    expect(failure(result)).toMatch(/more than \d+ bytes/);
  });

  it('when it cannot be decompressed', async () => {
    const said = failure(await askBody('not gzip at all', { 'content-encoding': 'gzip' }));
    expect(said).toContain('it cannot be decompressed (Z_DATA_ERROR)');
  });

  it('when a compressed body stops', async () => {
    const half = gzipSync(large(5000)).subarray(0, 20_000);
    const said = failure(await askBody(half, { 'content-encoding': 'gzip' }));
    expect(said).toContain('it is not JSON, or it ends too early');
  });

  it('when a query from a trigger brings more than one workload could have', async () => {
    const request = { profile: fromTrigger, query: 'up' };
    const { result } = await askFake((response) => response.end(large(30_000)), {}, request);
    expect(failure(result)).toMatch(/more than 10000 series/);
  });
});

describe('a status other than 200', () => {
  const fault = (errorType: string, error: string) => JSON.stringify({ status: 'error', errorType, error });

  it.each([
    [400, fault('bad_data', 'unexpected end of input'), 'HTTP 400 (bad_data: unexpected end of input)'],
    [422, fault('execution', 'many-to-many matching'), 'HTTP 422 (execution: many-to-many matching)'],
    [401, 'Unauthorized', 'HTTP 401; check the credentials and the tenant header'],
    [404, '<html>nothing here</html>', 'HTTP 404; check the address and its path prefix'],
    [429, 'slow down', 'HTTP 429'],
    [502, `<html>${'x'.repeat(200_000)}</html>`, 'HTTP 502'],
  ])('%i is told in one line', async (status, body, why) => {
    const { result } = await askFake((response) => response.writeHead(status).end(body));
    expect(failure(result).replace(/^Prometheus \S+ /, '')).toBe(why);
  });

  it('is not followed when it is a redirect', async () => {
    const { result, queries } = await askFake((response) =>
      response.writeHead(302, { location: 'http://169.254.169.254/latest' }).end(),
    );
    expect(failure(result)).toContain(
      'HTTP 302, a redirect to http://169.254.169.254/latest; redirects are not followed, set the final address',
    );
    expect(queries).toHaveLength(1);
  });
});
