import { LoadTestError, type LoadTest } from '../step.js';
import { rowsOf, type Row } from './csv.js';
import { genaiPerf } from './genai-perf.js';
import { locust } from './locust.js';
import { perfAnalyzer } from './perf-analyzer.js';
import { STEPS_HEADER, stepsCsv } from './steps-csv.js';
import { vegetaReport, vegetaResults } from './vegeta.js';

/** One file of a load test. The reading of the disk is the caller's. */
export interface LoadTestFile {
  readonly file: string;
  readonly text: string;
}

/**
 * Reads the files of one load test: what wrote them is told by their first line.
 *
 * @param profiles names that columns may have
 * @param loads concurrencies of the files that do not say theirs, in their order; null: all do
 * @throws LoadTestError
 */
export function readLoadTest(
  files: readonly LoadTestFile[],
  profiles: readonly string[],
  loads: readonly number[] | null,
): LoadTest {
  if (loads !== null && loads.length !== files.length)
    throw new LoadTestError(
      `${files.length} files`,
      `${loads.length} concurrencies`,
      'give one for each file',
    );
  const tests = files.map((each, index) => readOne(each, profiles, loads?.[index] ?? null));
  const [first] = tests;
  if (first === undefined) throw new LoadTestError('load test', 'no file', 'give at least one');
  const other = tests.findIndex(({ format }) => format !== first.format);
  if (other !== -1)
    throw new LoadTestError(
      files[other]?.file ?? '',
      `of ${tests[other]?.format ?? ''}, ${files[0]?.file ?? ''} of ${first.format}`,
      'give the files of one test',
    );
  return {
    format: first.format,
    steps: tests.flatMap(({ steps }) => steps),
    server: first.server,
    notes: [...new Set(tests.flatMap(({ notes }) => notes))],
  };
}

function readOne({ file, text }: LoadTestFile, profiles: readonly string[], load: number | null): LoadTest {
  if (/^\s*\{/.test(text)) return vegetaReport(text, file);
  const rows = rowsOf(text, file);
  const [header] = rows;
  if (header === undefined) throw new LoadTestError(file, 'the file is empty', KNOWN);
  const has = (column: string) => header.cells.includes(column);
  if (has('Inferences/Second')) return perfAnalyzer(rows, file);
  if (header.cells[0] === 'Metric') return genaiPerf(rows, file, load);
  if (has('Timestamp') && has('User Count')) return locust(rows, file);
  if (isResult(header)) return vegetaResults(rows, file);
  if (has('throughput')) return stepsCsv(rows, file, profiles);
  throw unknown(header);
}

/** A Unix time in nanoseconds and a status code. */
function isResult({ cells }: Row): boolean {
  return /^\d{19}$/.test(cells[0] ?? '') && /^\d{1,3}$/.test(cells[1] ?? '');
}

function unknown({ place, cells }: Row): LoadTestError {
  const header = cells.join(',').slice(0, 80);
  const remedy =
    cells[0] === 'Type' && cells[1] === 'Name'
      ? 'give locust’s …_stats_history.csv, which has the steps'
      : KNOWN;
  return new LoadTestError(place, `unknown header "${header}"`, remedy);
}

const KNOWN =
  'expected the output of perf_analyzer -f, genai-perf, AIPerf, locust --csv (the history), vegeta report -type=json or ' +
  `vegeta encode -to csv, or ${STEPS_HEADER}`;
