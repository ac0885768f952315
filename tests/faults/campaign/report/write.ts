const END = '<!-- end of the table -->'

/** The page with this table in the place that it has for the command. */
export function withTable(page: string, command: string, table: string): string {
  const mark = `<!-- table of ${command} -->`
  const begin = page.indexOf(mark)
  const end = page.indexOf(END, begin)
  if (begin === -1 || end === -1) throw new Error(`the page has no place for the table: ${mark} … ${END}`)
  return `${page.slice(0, begin + mark.length)}\n\n${table}\n\n${page.slice(end)}`
}
