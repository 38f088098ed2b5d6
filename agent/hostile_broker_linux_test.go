package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/drivers/drivertest"
)

// pose lets somebody answer in the place of a broker: it greets who comes and grants each subscription, and then does its worst.
func pose(t *testing.T, address string, worst func(c net.Conn)) (met func() int, leave func()) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var conns []net.Conn
	var all sync.WaitGroup
	serve := func(c net.Conn) {
		defer c.Close() //nolint:errcheck // it may be broken
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
				if err = ack.Write(c); err == nil {
					all.Go(func() { _, _ = io.Copy(io.Discard, c) })
					worst(c)
					return
				}
			}
			if err != nil {
				return
			}
		}
	}
	count := 0
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, c)
			count++
			mu.Unlock()
			all.Go(func() { serve(c) })
		}
	})
	leave = sync.OnceFunc(func() {
		_ = l.Close()
		mu.Lock()
		for _, c := range conns {
			_ = c.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	t.Cleanup(leave)
	return func() int { mu.Lock(); defer mu.Unlock(); return count }, leave
}

func publishOf(topic string, id uint16, qos byte, retained bool, payload []byte) []byte {
	p := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
	p.TopicName, p.Qos, p.MessageID, p.Retain, p.Payload = topic, qos, id, retained, payload
	var b bytes.Buffer
	_ = p.Write(&b)
	return b.Bytes()
}

// TestABrokerThatLiesFloodsOrHangsHarmsNobodyElse has brokers that do what no broker does. Meanwhile a serial reader's passes reach the portal
// within moments, and the agent's memory and log stay small.
func TestABrokerThatLiesFloodsOrHangsHarmsNobodyElse(t *testing.T) {
	t.Parallel()
	endless := func(c net.Conn, piece func(n int) []byte) {
		for n := 0; ; n++ {
			if _, err := c.Write(piece(n)); err != nil {
				return
			}
		}
	}
	rubbish := bytes.Repeat([]byte("x"), 60<<10)
	for what, worst := range map[string]func(net.Conn){
		"a message of 256 MB": func(c net.Conn) {
			_, _ = c.Write([]byte{0x32, 0xff, 0xff, 0xff, 0x7f, 0, 11})
			_, _ = io.WriteString(c, "rfid/gate-3")
			endless(c, func(int) []byte { return rubbish })
		},
		"an answer of 256 MB": func(c net.Conn) {
			_, _ = c.Write([]byte{0x90, 0xff, 0xff, 0xff, 0x7f})
			endless(c, func(int) []byte { return rubbish })
		},
		"a topic of 64 KB": func(c net.Conn) {
			topic := "rfid/" + strings.Repeat("y", 65000)
			endless(c, func(n int) []byte { return publishOf(topic, uint16(1+n%60000), 1, false, nil) })
		},
		"rubbish at full speed": func(c net.Conn) {
			endless(c, func(n int) []byte {
				return publishOf("rfid/gate-3", uint16(1+n%60000), 1, false, binary.AppendVarint(rubbish[:60000:60000], int64(n)))
			})
		},
		"small messages at full speed": func(c net.Conn) {
			many := bytes.Repeat(publishOf("rfid/gate-3", 0, 0, false, []byte("{}")), 3000)
			endless(c, func(int) []byte { return many })
		},
		"retained messages without end": func(c net.Conn) {
			endless(c, func(n int) []byte { return publishOf("rfid/gate-3", uint16(1+n%60000), 1, true, rubbish) })
		},
		"silence":   func(c net.Conn) { _, _ = io.Copy(io.Discard, c) },
		"no MQTT":   func(c net.Conn) { endless(c, func(int) []byte { return rubbish }) },
		"good-byes": func(net.Conn) {},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			port := drivertest.Serial(t)
			address := freeAddress(t)
			g := newGateway(t, fmt.Sprintf(`  - {name: heartbeat, type: heartbeat, interval: 5s}
mqtt: {broker: "mqtt://%s"}
readers:
  - {name: gate-1, type: rdm6300, port: %s, organization: school, repeat: 0s}
  - {name: gate-3, type: mqtt, topic: "rfid/#", format: esp-rfid, organization: school}
`, address, port.Path))
			met, leave := pose(t, address, worst)
			g.openPortal()
			g.start()
			g.works(health.Reader, "gate-1")
			g.await("the broker does its worst", func() bool { return met() > 1 })
			for range 3 {
				g.show(port, len(g.shown))
				began := time.Now()
				g.await("the pass is delivered", func() bool { return g.portal.Stats().Rows >= len(g.shown) })
				if took := time.Since(began); took > 20*time.Second {
					t.Errorf("a pass has waited %v", took)
				}
			}
			pause(t.Context(), time.Second)
			if had := mostEver(t, g.agent.cmd.Process.Pid); had > mostMemory {
				t.Errorf("the agent had %d MB in memory", had>>20)
			} else {
				t.Logf("the agent had %d MB in memory, its log has %d warnings", had>>20, countLines(g.log(), "level=WARN"))
			}
			if n := countLines(g.log(), "level=WARN") + countLines(g.log(), "level=INFO"); n > 100 {
				t.Errorf("the log has %d lines", n)
			}
			leave()
			g.stop()
		})
	}
}
