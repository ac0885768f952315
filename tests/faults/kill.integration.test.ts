import { describe, expect, it } from 'vitest'
import { runKillCampaign } from './kill-campaign.js'

const KILLS = 10

/** Ten rounds here; a hundred by `npm run faults:kill -- --kills 100`, with `--seed` to repeat a run. */
describe('a server that is killed', () => {
  it('fault P11: starts each time, and keeps every acked message once', async () => {
    const say = (line: string) => void process.stdout.write(`${line}\n`)
    const report = await runKillCampaign({ kills: KILLS, seed: Date.now() % 1_000_000, say })
    expect(report.serverKills + report.bothKills).toBe(KILLS)
    expect(report.acked).toBeGreaterThan(KILLS * 10)
    expect(report.stored).toBeGreaterThanOrEqual(report.acked)
    // Else no kill came while something was under way.
    expect(report.unanswered).toBeGreaterThan(0)
  }, 300_000)
})
