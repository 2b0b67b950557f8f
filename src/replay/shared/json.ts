import { served } from '../report/json.js';
import { idleShare, type SharedReport } from './report.js';

/** The report for programs. Waits and times are in seconds; null where there is none, or no end to it. */
export function sharedJson(report: SharedReport): unknown {
  const { gpus, seconds, scoreFrom, scaledObjects, runs, notes } = report;
  return {
    gpus,
    seconds,
    scoreFrom,
    scaledObjects: scaledObjects.map(({ replay, tier, minimum, requests }) => ({
      object: replay.object,
      file: replay.manifest.manifest.file,
      profiles: replay.trigger.profiles.map(({ name }) => name),
      tier,
      minimum,
      gpus: replay.gpus,
      load: { source: replay.source, requests },
      setup: replay.setup,
    })),
    runs: runs.map((run) => ({
      sharing: run.sharing,
      gpuSeconds: run.gpuSeconds,
      idleShare: idleShare(report, run),
      scaledObjects: run.scores.map(({ score, ...own }, index) => {
        // What a node-second would be is nothing that one of several on a node has.
        const { podSeconds: _, ...requests } = served(score);
        return { object: scaledObjects[index]?.replay.object, ...requests, ...own };
      }),
    })),
    notes,
  };
}
