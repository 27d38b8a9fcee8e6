// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Jobs whose handler does nothing, in queues of npm's: prints "rate N", jobs a
// second until the end of the last one is in the store.
//
//   jobs.mjs graphile-worker|graphile-worker-batches|pg-boss|better-sqlite3 N
//
// The environment says the rest, as in ../durable/place.hpp.

import { rmSync } from 'node:fs'

const store = process.env.TROUPE_BENCH_STORE
const inHand = Number(process.env.TROUPE_BENCH_IN_HAND ?? 1)

// Each puts the jobs, and returns a function that handles them all.
const peers = {
  'graphile-worker': (size) => graphile(size, {}),

  // With what its page on performance recommends for many small jobs.
  'graphile-worker-batches': (size) =>
    graphile(size, {
      localQueue: { size: Math.max(2, inHand + 1) },
      completeJobBatchDelay: 0,
    }),

  // Batches of as many as are in hand, by its own calls: `work` asks every half
  // a second at most.
  'pg-boss': async (size) => {
    const { default: PgBoss } = await import('pg-boss')
    const boss = new PgBoss({ connectionString: store, supervise: false })
    await boss.start()
    await boss.createQueue('bench')
    for (let n = 0; n < size; n += 1000) {
      const some = Math.min(1000, size - n)
      await boss.insert(
        Array.from({ length: some }, () => ({ name: 'bench', data: { n: 17 } })),
      )
    }
    return {
      handle: async () => {
        for (;;) {
          const jobs = await boss.fetch('bench', { batchSize: inHand })
          if (jobs.length === 0) return
          await boss.complete(
            'bench',
            jobs.map((x) => x.id),
          )
        }
      },
      close: () => boss.stop({ graceful: false, wait: false }),
    }
  },

  // Batches of fifty, as sqlite_probes.cpp.
  'better-sqlite3': async (size) => {
    for (const end of ['', '-wal', '-shm']) rmSync(store + end, { force: true })
    const { default: Database } = await import('better-sqlite3')
    const db = new Database(store)
    db.pragma('journal_mode = WAL')
    db.pragma('synchronous = FULL')
    db.exec(`
      CREATE TABLE job(id INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT,
        payload TEXT, run_at INTEGER DEFAULT 0, state INTEGER DEFAULT 0);
      CREATE INDEX ready ON job(queue, run_at, id) WHERE state = 0`)
    const put = db.prepare(
      "INSERT INTO job(queue, payload) VALUES ('bench', '17')",
    )
    db.transaction(() => {
      for (let n = 0; n < size; n += 1) put.run()
    })()
    const claim = db.prepare(`
      UPDATE job SET state = 1 WHERE id IN (SELECT id FROM job
        WHERE queue = 'bench' AND state = 0 ORDER BY run_at, id LIMIT 50)
      RETURNING id, payload`)
    const end = db.prepare('DELETE FROM job WHERE id = ? AND state = 1')
    const next = db.transaction((jobs) => {
      for (const x of jobs) end.run(x.id)
      return claim.all()
    })
    return {
      handle: async () => {
        for (let jobs = []; (jobs = next.immediate(jobs)).length > 0; );
      },
      close: async () => db.close(),
    }
  },
}

async function graphile(size, worker) {
  const { Logger, makeWorkerUtils, run } = await import('graphile-worker')
  const logger = new Logger(() => () => {})
  const utils = await makeWorkerUtils({ connectionString: store, logger })
  await utils.withPgClient((db) =>
    db.query('DROP SCHEMA IF EXISTS graphile_worker CASCADE'),
  )
  await utils.migrate()
  await utils.withPgClient((db) =>
    db.query(
      `SELECT graphile_worker.add_job('noop', json_build_object('n', 17))
       FROM generate_series(1, $1)`,
      [size],
    ),
  )
  await utils.release()
  return {
    handle: async () => {
      let left = size
      let done
      const all = new Promise((resolve) => (done = resolve))
      const runner = await run({
        noHandleSignals: true,
        preset: {
          worker: {
            connectionString: store,
            concurrentJobs: inHand,
            maxPoolSize: Math.min(inHand + 10, 50),
            logger,
            ...worker,
          },
        },
        taskList: {
          noop: async () => {
            left -= 1
            if (left === 0) done()
          },
        },
      })
      await all
      await runner.stop()
    },
    close: async () => {},
  }
}

const [what, size] = [process.argv[2], Number(process.argv[3])]
const { handle, close } = await peers[what](size)
const start = process.hrtime.bigint()
await handle()
const took = Number(process.hrtime.bigint() - start) / 1e9
console.log(`rate ${size / took}`)
await close()
process.exit(0)
