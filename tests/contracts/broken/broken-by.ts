/** `sound`, but for the methods that `broken` replaces. */
export const brokenBy = <T extends object>(sound: T, broken: Partial<T>): T =>
  Object.assign(Object.create(sound) as T, broken)
