// The caller in Node: a memory fleet of as many agents as it is told, whose status it asks as often as each line says.
// It answers each line with the nanoseconds that all of them took.
import { createInterface } from 'node:readline'
import { Fleet, MemoryTransport } from '@mosaicstack/fleet'

const agents = Array.from({ length: Number(process.argv[2]) }, (_, n) => `agent-${n}`)
const fleet = Fleet.of(new MemoryTransport({ agents }))
for await (const line of createInterface({ input: process.stdin })) {
  const [operation, times] = line.split(' ')
  const began = process.hrtime.bigint()
  for (let done = 0; done < Number(times); done += 1) {
    if (operation === 'status') await fleet.status()
    else await fleet.names()
  }
  process.stdout.write(`${process.hrtime.bigint() - began}\n`)
}
await fleet.close()
