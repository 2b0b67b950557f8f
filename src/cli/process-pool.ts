import { fork, type ChildProcess } from 'node:child_process';

/** From a process back to the command. */
export type FromProcess<Result> =
  { readonly kind: 'done'; readonly result: Result } | { readonly kind: 'failed'; readonly why: string };

/** Processes of their own that work off orders, each one at a time. */
export interface ProcessPool<Order, Result> {
  /** Rejects where the order failed, or its process died. */
  run(order: Order): Promise<Result>;
  close(): void;
}

interface Waiting<Order, Result> {
  readonly order: Order;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: Error) => void;
}

/**
 * @param worker a module that answers each message it gets with a `FromProcess`
 * @param jobs the most processes at once; each starts when it is first needed
 * @param greeting the first message to each process; none where it is absent
 */
export function processPool<Order, Result>(
  worker: string,
  jobs: number,
  greeting?: object,
): ProcessPool<Order, Result> {
  const waiting: Waiting<Order, Result>[] = [];
  const idle: ChildProcess[] = [];
  const all: ChildProcess[] = [];
  const busy = new Map<ChildProcess, Waiting<Order, Result>>();

  const next = () => {
    while (waiting.length > 0) {
      const child = idle.pop() ?? (all.length < jobs ? started() : undefined);
      if (child === undefined) return;
      const work = waiting.shift();
      if (work === undefined) return;
      busy.set(child, work);
      child.send(work.order as object);
    }
  };
  const started = (): ChildProcess => {
    const child = fork(worker, { serialization: 'advanced' });
    all.push(child);
    child.on('message', (message: FromProcess<Result>) => {
      const work = busy.get(child);
      busy.delete(child);
      idle.push(child);
      if (message.kind === 'failed') work?.reject(new Error(message.why));
      else work?.resolve(message.result);
      next();
    });
    child.on('error', (error) => busy.get(child)?.reject(error));
    child.on('exit', (code, signal) => {
      busy
        .get(child)
        ?.reject(new Error(`a process that ran replays ended (${signal ?? code}); try fewer --jobs`));
    });
    if (greeting !== undefined) child.send(greeting);
    return child;
  };
  return {
    run: (order) =>
      new Promise<Result>((resolve, reject) => {
        waiting.push({ order, resolve, reject });
        next();
      }),
    close: () => {
      for (const child of all) child.kill();
    },
  };
}
