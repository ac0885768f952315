/** From the least to the most. */
export const ROLES = ['observer', 'member', 'moderator', 'owner'] as const
export type Role = (typeof ROLES)[number]

/**
 * What a role may do in a room; the table of `docs/contract.md`, "Roles".
 * `write` covers all that puts something of one's own before others; `moderate` acts on others' things;
 * `govern` changes who may do what.
 */
export type Permission = 'read' | 'write' | 'moderate' | 'govern'

const PERMISSIONS: Record<Role, ReadonlySet<Permission>> = {
  observer: new Set(['read']),
  member: new Set(['read', 'write']),
  moderator: new Set(['read', 'write', 'moderate']),
  owner: new Set(['read', 'write', 'moderate', 'govern']),
}

export const may = (role: Role, permission: Permission): boolean => PERMISSIONS[role].has(permission)

/** Whether `role` is at most `own`: one may not hand out more than one has. */
export const isUpTo = (role: Role, own: Role): boolean => ROLES.indexOf(role) <= ROLES.indexOf(own)

/** A `direct` room holds at most this many who are not observers. */
export const DIRECT_ROOM_PARTICIPANTS = 2
