import type { Browser, BrowserContext } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { describeInChromium, launchChromium, type PageServer, servePage } from '../support/chromium.js'
import { type Instances, startInstances } from '../support/instances.js'
import { Person, until } from '../support/person.js'
import { Tab } from './tab.js'

const TWENTY = Array.from({ length: 20 }, (_, index) => `message ${index + 1}`)

describeInChromium('the outbox in the tabs of a browser', () => {
  let browser: Browser
  let pages: PageServer
  let instances: Instances
  let context: BrowserContext
  let other: Person
  let roomId: string

  beforeAll(async () => {
    pages = await servePage('tests/browser/page.ts')
    browser = await launchChromium()
    instances = await startInstances(1, { PARLEY_ORIGINS: pages.origin })
  })
  afterAll(async () => {
    await browser?.close()
    await instances?.stop()
    await pages?.stop()
  })
  beforeEach(async () => {
    context = await browser.newContext()
    other = await Person.signUp(serverUrl(), 'Other')
    roomId = await other.createRoom()
  })
  afterEach(() => context.close())

  const serverUrl = (): string => instances.urls[0] ?? ''
  const openTab = (): Promise<Tab> => Tab.open(context, pages.origin, serverUrl())

  /** A tab of somebody new, in the room. */
  async function signedUpTab(): Promise<Tab> {
    const tab = await openTab()
    const email = `tab.${Date.now()}.${Math.random()}@example.org`
    const account = { email, password: 'a long and quiet sentence', displayName: 'Tab' }
    await tab.page.evaluate((given) => harness.signUp(given), account)
    const { code } = (await other.http('POST', `/rooms/${roomId}/invitations`, {})).body
    await tab.page.evaluate((given) => harness.accept(given), String(code))
    await tab.openRoom(roomId)
    await tab.until('the room is live', ({ status }) => status === 'live')
    return tab
  }

  async function reopenedTab(): Promise<Tab> {
    const tab = await openTab()
    expect(await tab.resume()).not.toBeNull()
    await tab.openRoom(roomId)
    return tab
  }

  /** As the log has them. */
  const stored = async (): Promise<string[]> =>
    (await instances.sql`select text from messages where room_id = ${roomId} order by seq`).map(
      ({ text }) => text,
    )

  it('finish the send in whose middle the tab was closed, whose request the server had', async () => {
    const [server] = instances.servers
    const tab = await signedUpTab()
    server?.signal('SIGSTOP')
    await tab.send('Can you read this?')
    await tab.until('it is on its way', ({ outgoing }) => outgoing[0] === 'sending Can you read this?')
    await tab.close()
    server?.signal('SIGCONT')
    // The frame lay in the server's buffers.
    await until('the first attempt is stored', async () => (await stored()).length === 1)
    const again = await reopenedTab()
    const view = await again.until(
      'it is done',
      ({ outgoing, texts }) => outgoing.length === 0 && texts.length > 0,
    )
    expect(view.texts).toEqual(['Can you read this?'])
    expect(await stored()).toEqual(['Can you read this?'])
  })

  it('finish the send in whose middle the tab was closed, whose request never left', async () => {
    const tab = await signedUpTab()
    await context.setOffline(true)
    for (const text of ['one', 'two', 'three']) await tab.send(text)
    await tab.close()
    await context.setOffline(false)
    expect(await stored()).toEqual([])
    const again = await reopenedTab()
    await again.until('all are done', ({ outgoing, texts }) => outgoing.length === 0 && texts.length === 3)
    expect(await stored()).toEqual(['one', 'two', 'three'])
  })

  it('deliver twenty messages that were written offline in order, each once', async () => {
    const tab = await signedUpTab()
    await context.setOffline(true)
    for (const text of TWENTY) await tab.send(text)
    expect((await tab.view()).outgoing.map((line) => line.replace(/^\w+ /, ''))).toEqual(TWENTY)
    expect(await stored()).toEqual([])
    await context.setOffline(false)
    const view = await tab.until('all are delivered', ({ outgoing }) => outgoing.length === 0, 60_000)
    expect(view.texts).toEqual(TWENTY)
    expect(await stored()).toEqual(TWENTY)
  })

  it('keep the order and send nothing twice, when two tabs of one user come back at once', async () => {
    const one = await signedUpTab()
    const two = await reopenedTab()
    await two.until('the room is live', ({ status }) => status === 'live')
    await context.setOffline(true)
    for (const [index, text] of TWENTY.entries()) await (index % 2 === 0 ? one : two).send(text)
    await context.setOffline(false)
    for (const tab of [one, two]) {
      const view = await tab.until(
        'all are delivered',
        ({ outgoing, texts }) => outgoing.length === 0 && texts.length >= 20,
        60_000,
      )
      expect(view.texts).toEqual(TWENTY)
    }
    expect(await stored()).toEqual(TWENTY)
    expect(await one.page.evaluate(() => harness.unsent)).toEqual([])
  })

  it('show two tabs of one user the same, whichever of them writes', async () => {
    const one = await signedUpTab()
    const two = await reopenedTab()
    await one.send('from the first')
    await two.until('the second has it', ({ texts }) => texts.length === 1)
    await two.send('from the second')
    const [first, second] = await Promise.all(
      [one, two].map((tab) =>
        tab.until('both have both', ({ texts, outgoing }) => texts.length === 2 && outgoing.length === 0),
      ),
    )
    expect(first?.texts).toEqual(['from the first', 'from the second'])
    expect(second?.texts).toEqual(first?.texts)
  })

  it('send what a tab left that was closed while another one is open', async () => {
    const one = await signedUpTab()
    const two = await reopenedTab()
    await two.until('the room is live', ({ status }) => status === 'live')
    await context.setOffline(true)
    await one.send('left behind')
    await one.close()
    await context.setOffline(false)
    await two.until('the other tab has sent it', ({ texts }) => texts.length === 1)
    expect(await stored()).toEqual(['left behind'])
  })
})
