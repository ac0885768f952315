/** What a use case answers: a value, or a refusal that the caller can act on. Outages are thrown, never returned. */
export type Result<T, R> = Ok<T> | Fail<R>
export type Ok<T> = { readonly ok: true; readonly value: T }
export type Fail<R> = { readonly ok: false; readonly refusal: R }

export const ok = <T>(value: T): Ok<T> => ({ ok: true, value })
export const fail = <R>(refusal: R): Fail<R> => ({ ok: false, refusal })
