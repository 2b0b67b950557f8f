// A stand-in for the Prometheus of a large cluster, in a process of its own: answers every query with one value and one
// timestamp for each pod of each workload, as the cluster-wide query of a profile does. Knows nothing else.
// Arguments: workloads, pods for each. Prints its port.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const [workloads = 1000, pods = 1] = process.argv.slice(2).map(Number);

function element(part: string, workload: number, pod: number, now: number, value: number): string {
  const labels = `"namespace":"team-${workload % 100}","pilotlight":"${part}","pod":"w${workload}-74dbc5fcbc-7zsh${pod}"`;
  return `{"metric":{${labels}},"value":[${now},"${value}"]}`;
}

const server = createServer((request, response) => {
  request.resume().on('end', () => {
    const now = Date.now() / 1000;
    const elements: string[] = [];
    for (let workload = 0; workload < workloads; workload += 1) {
      for (let pod = 0; pod < pods; pod += 1) {
        elements.push(
          element('value', workload, pod, now, 3 + ((workload + pod) % 5)),
          element('at', workload, pod, now, now - 7.25),
        );
      }
    }
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(`{"status":"success","data":{"resultType":"vector","result":[${elements.join(',')}]}}`);
  });
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
