// Prints Pantau's active alerts, a JSON array on a line, whenever they change. Needs: npm install @platformatic/kafka
import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { Consumer } from '@platformatic/kafka'

const [STATE, EVENTS] = ['pantau.alerts.state', 'pantau.alerts.events']
const [furthest, heard] = [new Map(), new Set()] // by alert: how far it is known; those of which an event was read
let [shown, isComplete] = ['', () => false]

function take(topic, key, alert) {
  if (topic === STATE && alert === null) { // a tombstone, of the last episode or of one before it
    if (!heard.has(key)) furthest.delete(key) // otherwise an event says which one is over
    return
  }
  const { alert_id, rule, state, episode, labels, shadow } = alert
  const [transition, known] = [topic === STATE ? alert.last_transition : alert.transition, furthest.get(key)]
  if (topic === EVENTS) heard.add(key)
  if (known && (episode < known.episode || (episode === known.episode && transition < known.transition))) return // old
  const isActive = ['pending', 'firing'].includes(state) && !shadow
  furthest.set(key, { episode, transition, alert: isActive && { alert_id, rule, state, episode, labels } })
}

function show() {
  const active = [...furthest].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, { alert }]) => alert).filter(Boolean)
  if (isComplete() && JSON.stringify(active) !== shown) console.log((shown = JSON.stringify(active)))
}

async function follow(consumer, topics) {
  const ends = await consumer.listOffsets({ topics, timestamp: -1n })
  const stream = await consumer.consume({ topics, mode: 'earliest', autocommit: false, maxWaitTime: 500 })
  const isRead = topic => stream.offsetsToFetch.get(`${topic}:0`) >= ends.get(topic)[0]
  isComplete = () => stream.readableLength === 0 && topics.every(isRead)
  for await (const { topic, key, value, offset } of stream) {
    try {
      take(topic, String(key), value ? JSON.parse(value) : null)
    } catch (error) {
      console.error(`${topic}, offset ${offset}, is passed over: ${error}`)
    }
  }
}

const bootstrapBrokers = [process.argv[2] ?? '127.0.0.1:19092']
setInterval(show, 200)
for (;; await pause(1_000)) { // to read all once more is harmless
  const groupId = `subscriber-${randomUUID()}` // a group of one: each subscriber reads all
  const consumer = new Consumer({ clientId: 'subscriber', groupId, bootstrapBrokers })
  await follow(consumer, [STATE, EVENTS]).catch(error => console.error(`reading again: ${error}`))
  await consumer.close(true).catch(error => console.error(`not closed: ${error}`))
}
