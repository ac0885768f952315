import type { Invariant } from '../checker/history.js'

/** A place of the build that reads otherwise in a mutant. `find` must be there exactly once. */
export type Replacement = {
  /** Below `dist`. */
  readonly file: string
  readonly find: string
  readonly put: string
}

/** A server with one bug that somebody could well have written, and the fault under which the campaign must see it. */
export type Mutant = {
  readonly name: string
  readonly what: string
  readonly replacements: readonly Replacement[]
  /** As in `npm run faults -- FAULT`. */
  readonly fault: string
  /** One of them is enough. */
  readonly breaks: readonly Invariant[]
}

/** Sends into known rooms are decided and committed by one call; without it, all writes are decided in one place. */
const NO_SHORT_WAY: Replacement = {
  file: 'adapters/postgres/postgres-room-log.js',
  find: 'const { planned, others } = this.appends.plan(batch);',
  put: 'const planned = [], others = batch;',
}

/** What was acked and rolled back is lost; where it was sent twice, it is stored as another message than was acked and shown. */
const LOSES_ACKED: readonly Invariant[] = ['L1', 'L2', 'L3']

const ackBeforeCommit: Mutant = {
  name: 'ack-before-commit',
  what: 'a send is answered when its rows are written, and committed after that',
  replacements: [
    {
      file: 'adapters/postgres/postgres-room-log.js',
      find: 'const work = (tx) => runBatch(tx, writes, mode);',
      put: `const work = async (tx) => {
            const decided = await runBatch(tx, writes, mode);
            batch.forEach((waiting, at) => {
                const outcome = decided.outcomes[at];
                if (outcome?.kind === 'accepted' && waiting.write.touches.startsWith('client:'))
                    answer(waiting, outcome);
            });
            return decided;
        };`,
    },
    NO_SHORT_WAY,
  ],
  fault: 'N1-before-commit',
  breaks: LOSES_ACKED,
}

const ackBeforeCommitShortWay: Mutant = {
  name: 'ack-before-commit-short-way',
  what: 'the same on the way of plain sends into known rooms, which are one call',
  replacements: [
    {
      file: 'adapters/postgres/known-appends.js',
      find: '.call(this.port, (sql) => appendMessages(sql, plans, this.rooms.logins), { first: true })',
      put: `.transaction(this.port, async (tx) => {
            const appended = await appendMessages(tx, plans, this.rooms.logins);
            for (const each of planned)
                if (appended.has(each.plan.row.id))
                    answer(each);
            return appended;
        }, { first: true })`,
    },
  ],
  fault: 'N1-before-commit',
  breaks: LOSES_ACKED,
}

const noIdempotencyKey: Mutant = {
  name: 'no-idempotency-key',
  what: 'nobody looks whether a client id was used before, and no index keeps it unique',
  replacements: [
    {
      file: 'adapters/postgres/migrations/004.do.append_messages.sql',
      find: 'alter table messages add constraint messages_by_client_id unique (room_id, client_message_id, sender_id);',
      put: '',
    },
    {
      file: 'adapters/postgres/room-facts.js',
      find: 'const wanted = writes.filter(({ actor, needs }) => needs.clientMessageId !== undefined && isId(actor.userId));',
      put: 'const wanted = [];',
    },
  ],
  fault: 'C3',
  breaks: ['L2'],
}

const orderByClock: Mutant = {
  name: 'order-by-clock',
  what: 'pages of messages are ordered by when they were sent, by the clock of the instance that took them',
  replacements: [
    {
      file: 'adapters/postgres/postgres-message-repo.js',
      find: `where r.id = \${roomId}
        order by m.seq $`,
      put: `where r.id = \${roomId}
        order by m.created_at_ms $`,
    },
  ],
  fault: 'N6-apart',
  breaks: ['L3'],
}

const seqFromASequence: Mutant = {
  name: 'seq-from-a-sequence',
  what: 'each room has a Postgres sequence, which gives no number back when a transaction is rolled back',
  replacements: [
    {
      file: 'adapters/postgres/room-batch.js',
      find: 'const appender = new RoomAppender(locked);',
      put: `const appender = new RoomAppender(locked);
    const trial = new RoomAppender(locked);
    for (const write of writes)
        decide(trial, facts, write);
    for (const [id, { room, events }] of trial.rooms) {
        if (events.length === 0)
            continue;
        const sequence = 'seq_' + id.replaceAll('-', '_');
        await tx.unsafe(\`create sequence if not exists \${sequence} start \${room.head + 1}\`);
        const [row] = await tx.unsafe(
            \`select min(n)::int as first from (select nextval('\${sequence}') as n from generate_series(1, \${events.length})) as drawn\`);
        const appended = appender.rooms.get(id);
        appended.heads = { ...appended.heads, head: row.first - 1 };
    }`,
    },
    NO_SHORT_WAY,
  ],
  fault: 'N1-before-commit',
  breaks: ['L4'],
}

const membershipNotReChecked: Mutant = {
  name: 'membership-not-re-checked',
  what: 'whoever was once seen to be a member is taken for one by that instance for ever',
  replacements: [
    {
      file: 'core/use-cases/rooms/room-access.js',
      find: 'const access = isId(roomId) ? await rooms.access(roomId, actor.userId) : null;',
      put: `const place = \`\${roomId} \${actor.userId}\`;
    const access = (isId(roomId) ? await rooms.access(roomId, actor.userId) : null) ?? SEEN.get(place) ?? null;
    if (access !== null)
        SEEN.set(place, access);`,
    },
    {
      file: 'core/use-cases/rooms/room-access.js',
      find: 'export async function admitReader(',
      put: 'const SEEN = new Map();\nexport async function admitReader(',
    },
    {
      file: 'adapters/postgres/room-facts.js',
      find: 'actor: person?.member ?? null,',
      put: 'actor: person?.member ?? SEEN.get(roomId + actor.userId) ?? null,',
    },
    {
      file: 'adapters/postgres/room-facts.js',
      find: 'people.set(room_id, ofRoom.set(row.user_id, { name: row.display_name, member }));',
      put: `people.set(room_id, ofRoom.set(row.user_id, { name: row.display_name, member }));
        if (member !== null)
            SEEN.set(room_id + row.user_id, member);`,
    },
    {
      file: 'adapters/postgres/room-facts.js',
      find: 'export class BatchFacts',
      put: 'const SEEN = new Map();\nexport class BatchFacts',
    },
  ],
  fault: 'calm',
  breaks: ['L8'],
}

const endedLoginsLocally: Mutant = {
  name: 'ended-logins-only-locally',
  what: 'an ended login is known to the instance that ended it, and to no other',
  replacements: [
    {
      file: 'core/use-cases/feed/login-feed.js',
      find: 'this.ports.bus.publish(TOPIC, JSON.stringify(logins)).catch(() => undefined);',
      put: '',
    },
    { file: 'core/use-cases/feed/sweeper.js', find: 'logins.learn(ended);', put: '' },
    {
      file: 'adapters/postgres/room-facts.js',
      find: 'and l.ended_at_ms is null and u.disabled_at_ms is null',
      put: 'and u.disabled_at_ms is null',
    },
    {
      file: 'adapters/postgres/migrations/012.do.login_epoch.sql',
      find: 'and l.ended_at_ms is null and u.disabled_at_ms is null',
      put: 'and u.disabled_at_ms is null',
    },
    {
      file: 'adapters/postgres/live-login.js',
      find: 'and l.ended_at_ms is null and l.expires_at_ms >',
      put: 'and l.expires_at_ms >',
    },
  ],
  fault: 'calm',
  breaks: ['L9'],
}

const pagesWithoutVersion: Mutant = {
  name: 'cached-pages-without-version',
  what: 'a remembered page is shown whatever has been written since',
  replacements: [
    {
      file: 'core/use-cases/messages/newest-pages.js',
      find: 'this.ports.cache.get(key, messages)',
      put: 'this.ports.cache.get(key, 0)',
    },
  ],
  fault: 'calm',
  breaks: ['L5', 'L6', 'L7'],
}

const membersWithoutVersion: Mutant = {
  name: 'cached-members-without-version',
  what: 'a remembered membership lets its member read whatever has become of it',
  replacements: [
    {
      file: 'core/use-cases/rooms/room-readers.js',
      find: 'cache.get(keyOf(roomId, actor.userId), heads.members)',
      put: 'cache.get(keyOf(roomId, actor.userId), 0)',
    },
  ],
  fault: 'calm',
  breaks: ['L8'],
}

const sweepOff: Mutant = {
  name: 'sweep-off',
  what: 'nobody asks the store for what the bus may have lost',
  replacements: [
    {
      file: 'core/use-cases/feed/sweeper.js',
      find: `this.ports.bus.onGap(() => this.now());
        this.waitSince(begunAtMs);`,
      put: '',
    },
  ],
  fault: 'C5',
  breaks: ['L7'],
}

const sinceWithoutMembership: Mutant = {
  name: 'since-without-membership',
  what: 'whoever names a room gets its log after `since`, be they a member or not',
  replacements: [
    {
      file: 'core/use-cases/rooms/sync-room.js',
      find: 'const access = await admitReader(rooms, actor, input.roomId, input.minSeq);',
      put: `const whole = await log.read(input.roomId, 0, 1);
        if (whole === null)
            return notFound();
        const access = ok({ heads: { head: whole.headSeq } });`,
    },
  ],
  fault: 'calm',
  breaks: ['L8'],
}

export const MUTANTS: readonly Mutant[] = [
  ackBeforeCommit,
  ackBeforeCommitShortWay,
  noIdempotencyKey,
  orderByClock,
  seqFromASequence,
  membershipNotReChecked,
  endedLoginsLocally,
  pagesWithoutVersion,
  membersWithoutVersion,
  sweepOff,
  sinceWithoutMembership,
]
