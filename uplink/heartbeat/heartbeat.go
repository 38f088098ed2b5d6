// Package heartbeat tells a centre over MQTT how this device is doing: whether it is there, how its readers, uplinks, journal
// and host are, and what needs a person. docs/mqtt.md describes the messages; this package holds their types, for both ends.
// No message holds anything that was read from a card or that belongs to a person.
package heartbeat
