import { runKillCampaign } from '../../kill-campaign.js'
import type { StandaloneFault } from '../fault.js'

const KILLS = 10

/** The campaign of its own that `npm run faults:kill` repeats a hundred times; every violation of it is thrown. */
export const killedEmbedded: StandaloneFault = {
  name: 'P11',
  title: 'a server with its embedded Postgres is killed at random and started again',
  scale: `${KILLS} kills; \`npm run faults:kill\` for more`,
  async run({ seed, say }) {
    const report = await runKillCampaign({ kills: KILLS, seed, say: (line) => say(`  ${line}`) }).catch(
      (error: unknown) => String(error),
    )
    if (typeof report === 'string')
      return { checks: [{ name: 'kills', checked: KILLS, violations: [report] }] }
    const { acked, stored, serverKills, bothKills, slowestStartMs } = report
    return {
      checks: [
        {
          name: 'acked messages that are there, once, in logs without a gap',
          checked: acked,
          violations: [],
          seen: `${acked} acked, ${stored} stored`,
        },
        {
          name: 'starts after a kill',
          checked: serverKills + bothKills,
          violations: [],
          seen: `the slowest after ${slowestStartMs} ms`,
        },
      ],
    }
  },
}
