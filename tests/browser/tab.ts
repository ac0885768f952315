import type { BrowserContext, Page } from 'playwright-core'
import { until } from '../support/person.js'
import type {} from './page.js'

export type View = typeof harness.view

/** One tab with a client in it. */
export class Tab {
  private constructor(readonly page: Page) {}

  /** Loads the page and makes its client; nobody is signed in yet. */
  static async open(
    context: BrowserContext,
    origin: string,
    url: string,
    transport: 'token' | 'cookie' = 'token',
  ): Promise<Tab> {
    const page = await context.newPage()
    await page.goto(origin)
    await page.waitForFunction(() => 'harness' in globalThis)
    await page.evaluate(([to, by]) => harness.start(to, by), [url, transport] as const)
    return new Tab(page)
  }

  resume(): Promise<string | null> {
    return this.page.evaluate(() => harness.resume())
  }

  async openRoom(roomId: string): Promise<void> {
    await this.page.evaluate((id) => harness.openRoom(id), roomId)
  }

  send(text: string): Promise<void> {
    return this.page.evaluate((said) => harness.send(said), text)
  }

  view(): Promise<View> {
    return this.page.evaluate(() => harness.view)
  }

  /** Waits until what the tab shows passes. */
  async until(what: string, check: (view: View) => boolean, withinMs = 20_000): Promise<View> {
    let view = await this.view()
    await until(
      what,
      async () => {
        view = await this.view()
        return check(view)
      },
      withinMs,
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}; the tab shows ${JSON.stringify(view)}`)
    })
    return view
  }

  /** At once, as when the window is closed: nothing of the page gets to say goodbye. */
  close(): Promise<void> {
    return this.page.close({ runBeforeUnload: false })
  }
}
