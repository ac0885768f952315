import { request as nodeRequest } from 'node:http'
import type { Browser, BrowserContext, Route } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { describeInChromium, launchChromium, type PageServer, servePage } from '../support/chromium.js'
import { type Instances, startInstances } from '../support/instances.js'
import { until } from '../support/person.js'
import { Tab } from './tab.js'

const REFRESH = '**/api/v1/auth/refresh'

/** Lets the server answer and the answer be lost: the browser sees a connection that broke, and no cookie. */
async function loseAnswer(route: Route): Promise<void> {
  const { url, method, headers, body } = {
    url: route.request().url(),
    method: route.request().method(),
    headers: await route.request().allHeaders(),
    body: route.request().postData() ?? '',
  }
  const { 'content-length': _, ...sent } = headers
  const status = await new Promise<number>((resolve, reject) => {
    const request = nodeRequest(url, { method, headers: sent }, (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode ?? 0))
    })
    request.on('error', reject)
    request.end(body)
  })
  expect(status).toBe(200)
  await route.abort('connectionreset')
}

describeInChromium('renewing a login in the tabs of a browser', () => {
  let browser: Browser
  let pages: PageServer
  let instances: Instances
  let context: BrowserContext

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
  })
  afterEach(() => context.close())

  const open = (transport: 'token' | 'cookie'): Promise<Tab> =>
    Tab.open(context, pages.origin, instances.urls[0] ?? '', transport)

  async function signUp(transport: 'token' | 'cookie'): Promise<Tab> {
    const tab = await open(transport)
    const email = `tab.${Date.now()}.${Math.random()}@example.org`
    const account = { email, password: 'a long and quiet sentence', displayName: 'Tab' }
    await tab.page.evaluate((given) => harness.signUp(given), account)
    return tab
  }

  /** Answers and outcomes of all calls to the refresh route from now on. */
  function watchRefreshes(): number[] {
    const statuses: number[] = []
    context.on('response', (response) => {
      if (response.url().endsWith('/auth/refresh')) statuses.push(response.status())
    })
    return statuses
  }

  /** The tabs are loaded anew with a login whose token has run out, and everyone asks for something at once. */
  async function wakeTogether(transport: 'token' | 'cookie', count: number): Promise<Tab[]> {
    const tabs = await Promise.all(Array.from({ length: count }, () => open(transport)))
    const [first] = tabs
    await first?.page.evaluate(() => harness.expireStoredToken())
    await Promise.all(tabs.map((tab) => tab.resume()))
    return tabs
  }

  const isSignedIn = async (tab: Tab): Promise<void> => {
    expect(await tab.page.evaluate(() => harness.profileName())).toBe('Tab')
    expect(await tab.page.evaluate(() => harness.session.status)).toBe('signed-in')
  }

  describe.each(['token', 'cookie'] as const)('with the refresh token in a %s', (transport) => {
    it('logs nobody out when two tabs do it at once, time and again', async () => {
      const signedUp = await signUp(transport)
      await signedUp.close()
      const statuses = watchRefreshes()
      for (let round = 1; round <= 3; round += 1) {
        const tabs = await wakeTogether(transport, 2)
        for (const tab of tabs) await isSignedIn(tab)
        for (const tab of tabs) await tab.close()
      }
      // A cookie gives each tab its own. In one storage the tabs share what the first of them got, as a rule: what one process
      // of a browser writes into localStorage reaches another a moment later, which may be after the lock does.
      const leastCount = transport === 'token' ? 3 : 6
      expect(statuses.length).toBeGreaterThanOrEqual(leastCount)
      expect(statuses.length).toBeLessThanOrEqual(6)
      expect(statuses.every((status) => status === 200)).toBe(true)
    })

    it('logs nobody out when two tabs do it at once without Web Locks', async () => {
      const signedUp = await signUp(transport)
      await signedUp.close()
      await context.addInitScript('Object.defineProperty(navigator, "locks", { value: undefined })')
      const statuses = watchRefreshes()
      for (let round = 1; round <= 3; round += 1) {
        const tabs = await wakeTogether(transport, 2)
        for (const tab of tabs) await isSignedIn(tab)
        for (const tab of tabs) await tab.close()
      }
      expect(statuses.length).toBeGreaterThanOrEqual(3)
      expect(new Set(statuses)).toEqual(new Set([200]))
    })

    it('logs nobody out when the answer is lost, and again when the next one is', async () => {
      const signedUp = await signUp(transport)
      await signedUp.close()
      let lost = 0
      await context.route(REFRESH, async (route) => {
        if (lost >= 2) return route.continue()
        lost += 1
        await loseAnswer(route)
      })
      const [tab] = await wakeTogether(transport, 1)
      if (tab === undefined) throw new Error('one tab was opened')
      await until('both answers were lost', () => lost === 2)
      await isSignedIn(tab)
    })

    it('takes no failing network, and no answer of a proxy, for the end of the login', async () => {
      const signedUp = await signUp(transport)
      await signedUp.close()
      const refused: string[] = []
      await context.route(REFRESH, async (route) => {
        refused.push(route.request().url())
        if (refused.length === 1) await route.abort('internetdisconnected')
        else if (refused.length === 2)
          await route.fulfill({ status: 401, contentType: 'text/html', body: '<h1>Proxy login</h1>' })
        else await route.continue()
      })
      const [tab] = await wakeTogether(transport, 1)
      if (tab === undefined) throw new Error('one tab was opened')
      await until('it was tried a third time', () => refused.length >= 3)
      await isSignedIn(tab)
    })

    it('ends in every tab when one signs out, and stays ended', async () => {
      const one = await signUp(transport)
      const two = await open(transport)
      await two.resume()
      await isSignedIn(two)
      await one.page.evaluate(() => harness.signOut())
      await until('the other tab knows', async () =>
        two.page.evaluate(() => harness.session.status === 'signed-out'),
      )
      expect(await two.page.evaluate(() => harness.session.reason)).toBe('signed-out')
      expect(await (await open(transport)).resume()).toBeNull()
    })
  })
})
