import type { GpuResource } from './capacity-gpu.js';

/** What holds units of a GPU resource: how many, and the bytes it takes in all; null: not said. */
export interface GpuTenant {
  readonly units: number;
  readonly memory: number | null;
}

interface Device {
  units: number;
  memory: number;
}

/**
 * How many more tenants fit into the memory of shared devices. Slices share it without a limit: one replica too many, and
 * all of them get out-of-memory errors. The device plugin gives each pod the device with the most free slices and knows
 * nothing of memory, so that counting ends at the first that would not fit, whatever is free on another device.
 * A tenant that has not said what it takes counts with its slices' fair part.
 */
export function tenantsInMemory(
  gpu: GpuResource,
  tenants: readonly GpuTenant[],
  next: { readonly units: number; readonly memory: number },
): number {
  const { memory, perDevice, slices } = gpu;
  if (memory === null || gpu.sharing === 'none' || next.units <= 0) return Infinity;
  if (gpu.sharing === 'mps') return (next.memory * perDevice) / next.units > memory ? 0 : Infinity;
  const fair = memory / perDevice;
  const devices: Device[] = Array.from({ length: Math.ceil(slices / perDevice) }, (_, index) => ({
    units: Math.min(perDevice, slices - index * perDevice),
    memory,
  }));
  for (const tenant of tenants.toSorted((a, b) => b.units - a.units || bytes(b, fair) - bytes(a, fair))) {
    place(devices, tenant.units, bytes(tenant, fair));
  }
  let count = 0;
  while (place(devices, next.units, next.memory)) count += 1;
  return count;
}

function bytes({ units, memory }: GpuTenant, fair: number): number {
  return memory ?? units * fair;
}

/** @returns false when the slices are used up or a device's memory would not suffice; it is placed in the latter case */
function place(devices: readonly Device[], units: number, memory: number): boolean {
  let fits = true;
  for (let unit = 0; unit < units; unit += 1) {
    const freest = devices.reduce((a, b) => (b.units > a.units ? b : a), { units: 0, memory: 0 });
    if (freest.units < 1) return false;
    freest.units -= 1;
    freest.memory -= memory / units;
    // A byte of rounding is no memory.
    if (freest.memory < -1) fits = false;
  }
  return fits;
}
