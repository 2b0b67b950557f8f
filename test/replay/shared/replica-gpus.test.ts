import { expect, it } from 'vitest';
import { replicaGpus } from '../../../src/replay/shared/replica-gpus.js';

const spec = { scaleTargetRef: { name: 'chat' }, triggers: [] };
const deployment = (name: string, ...limits: string[]) => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name} }
spec:
  template:
    spec:
      containers: [${limits.map((each) => `{ name: c, resources: { limits: { ${each} } } }`).join(', ')}]
`;

it('adds up what the containers of the scale target take', () => {
  const text = [deployment('other', 'nvidia.com/gpu: 8'), deployment('chat', 'nvidia.com/gpu: 2', 'cpu: 4')];
  expect(replicaGpus(text.join('---'), spec)).toBe(2);
  expect(replicaGpus(deployment('chat', 'nvidia.com/gpu: "1"', 'nvidia.com/gpu: 1'), spec)).toBe(2);
  expect(replicaGpus(deployment('chat', 'nvidia.com/mig-1g.5gb: 1'), spec)).toBe(1);
});

it('says nothing where the file says nothing', () => {
  expect(replicaGpus('kind: Service', spec)).toBeNull();
  expect(replicaGpus(deployment('other', 'nvidia.com/gpu: 8'), spec)).toBeNull();
  expect(replicaGpus(deployment('chat', 'cpu: 500m'), spec)).toBeNull();
});
