export type Speaker = 'Nora' | 'Sam'

/** One step of the sample conversation; `pauseMs` is how long its speaker thinks and types before it. */
export type Step = { readonly who: Speaker; readonly pauseMs: number } & (
  | { readonly say: string; readonly as?: string; readonly replyTo?: string }
  | { readonly edit: string; readonly text: string }
  | { readonly react: string; readonly emoji: string }
  | { readonly erase: string }
  | { readonly readAll: true }
)

/** Two parents settle a weekend: corrections, a reply, a reaction, a message taken back, read markers. */
export const CONVERSATION: readonly Step[] = [
  { who: 'Nora', pauseMs: 1_200, say: 'Hi Sam, can we settle the weekend of the 14th today?' },
  { who: 'Sam', pauseMs: 1_500, readAll: true },
  { who: 'Sam', pauseMs: 1_800, say: 'Yes. Mia has her swim meet on Saturday at 9:30, right?' },
  { who: 'Nora', pauseMs: 1_600, say: 'It starts at 9:00, doors open 8:15.', as: 'meet' },
  { who: 'Nora', pauseMs: 900, edit: 'meet', text: 'It starts at 9:00, doors open at 8:30.' },
  { who: 'Sam', pauseMs: 1_000, react: 'meet', emoji: '👍' },
  { who: 'Sam', pauseMs: 2_000, say: 'I can take her there and bring her to you at 13:00.', as: 'offer' },
  { who: 'Nora', pauseMs: 1_400, say: 'That works. Her goggles are in the blue bag.', replyTo: 'offer' },
  { who: 'Sam', pauseMs: 1_100, say: 'Which blue bg', as: 'typo' },
  { who: 'Sam', pauseMs: 700, erase: 'typo' },
  { who: 'Sam', pauseMs: 1_300, say: 'The one by the door? I will look tonight.' },
  { who: 'Nora', pauseMs: 1_000, readAll: true },
  { who: 'Nora', pauseMs: 1_200, say: 'Yes, by the door. Thank you, Sam.' },
  { who: 'Sam', pauseMs: 900, readAll: true },
]
