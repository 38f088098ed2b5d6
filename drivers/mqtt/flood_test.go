package mqtt

import (
	"bytes"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"github.com/acs-agent/acs-agent/agent/broker"
)

// A broker that leaves thousands of messages unacknowledged has to wait when passes cannot be stored: what is in hand stays small.
func TestABrokerThatSendsWithoutEndHasToWait(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var sent atomic.Int64
	var all sync.WaitGroup
	stopped := make(chan struct{})
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { <-stopped; _ = c.Close() })
			all.Go(func() { flood(c, &sent) })
		}
	})
	defer all.Wait()
	defer func() { close(stopped); _ = l.Close() }()

	journal := newSlowJournal() // which takes nothing
	driver := run(t, &broker.Address{URL: "mqtt://" + l.Addr().String()}, journal.Take, gate)
	journal.next(t)
	// What is sent must come to an end, which the sockets' own room postpones.
	for before, deadline := int64(-1), time.Now().Add(patience); ; {
		now := sent.Load()
		if now == before {
			break
		}
		if before = now; now > 64<<20 || time.Now().After(deadline) {
			t.Fatalf("%d MB were taken of what cannot be stored", now>>20)
		}
		time.Sleep(500 * time.Millisecond)
	}
	driver.Stop(t)
}

// flood greets, and then publishes without waiting for anything.
func flood(c net.Conn, sent *atomic.Int64) {
	for {
		p, err := packets.ReadPacket(c)
		if err != nil {
			return
		}
		switch p := p.(type) {
		case *packets.ConnectPacket:
			_, err = c.Write([]byte{0x20, 2, 0, 0})
		case *packets.SubscribePacket:
			ack := packets.NewControlPacket(packets.Suback).(*packets.SubackPacket)
			ack.MessageID, ack.ReturnCodes = p.MessageID, bytes.Repeat([]byte{1}, len(p.Topics))
			err = ack.Write(c)
			go func() { _, _ = io.Copy(io.Discard, c) }()
			m := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
			m.TopicName, m.Qos = "gate/1", 1
			m.Payload = []byte(`{"uid":"55007EE424","x":"` + strings.Repeat("x", 60_000) + `"}`)
			for n := 0; err == nil && n < 60_000; n++ {
				m.MessageID = uint16(n + 1)
				err = m.Write(c)
				sent.Add(int64(len(m.Payload)))
			}
			return
		}
		if err != nil {
			return
		}
	}
}
