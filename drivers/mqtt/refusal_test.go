package mqtt

import (
	"bytes"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"github.com/acs-agent/acs-agent/agent/broker"
	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/drivers"
	"github.com/acs-agent/acs-agent/drivers/drivertest"
)

// strict is a broker that answers subscriptions one after the other as it is told, and nothing else.
func strict(t *testing.T, answers chan byte) *broker.Address {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { greet(conn, answers) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); all.Wait() })
	return &broker.Address{URL: "mqtt://" + l.Addr().String(), Username: "gate"}
}

func greet(conn net.Conn, answers chan byte) {
	defer func() { _ = conn.Close() }()
	for {
		packet, err := packets.ReadPacket(conn)
		if err != nil {
			return
		}
		switch p := packet.(type) {
		case *packets.ConnectPacket:
			err = packets.NewControlPacket(packets.Connack).Write(conn)
		case *packets.SubscribePacket:
			answer := packets.NewControlPacket(packets.Suback).(*packets.SubackPacket)
			answer.MessageID, answer.ReturnCodes = p.MessageID, []byte{<-answers}
			err = answer.Write(conn)
		case *packets.DisconnectPacket:
			return
		}
		if err != nil {
			return
		}
	}
}

func TestARefusedSubscriptionIsToldAndTriedAgain(t *testing.T) {
	answers := make(chan byte)
	address := strict(t, answers)
	driver := run(t, address, drivertest.NewJournal().Take, gate)
	answers <- 0x80
	told := driver.Await(t, "gate-1", health.Down)
	want := "broker " + address.URL + `: the subscription to gate/1 is refused (check the access rules of the user "gate" there)`
	if told.Problem != want || told.Code != string(health.BrokerRefused) {
		t.Errorf("the board says %q (%s)\nwant %q", told.Problem, told.Code, want)
	}
	answers <- 0x80
	answers <- 1
	driver.Await(t, "gate-1", health.Up)
}

func TestQoS0IsGrantedWithAWarning(t *testing.T) {
	answers := make(chan byte, 1)
	answers <- 0
	env, said := drivertest.Env(), &syncBuffer{}
	env.Broker, env.Log = strict(t, answers), slog.New(slog.NewTextHandler(said, nil))
	d, err := Module.New(env, []drivers.Reader{drivertest.Reader(t, "gate-1", gate)})
	if err != nil {
		t.Fatal(err)
	}
	drivertest.Start(t, d, drivertest.NewJournal().Take).Await(t, "gate-1", health.Up)
	if !strings.Contains(said.String(), "QoS 0 only") {
		t.Errorf("logged %s", said.String())
	}
}

func TestOnlyTheFirstStrangerIsWorthALine(t *testing.T) {
	var said bytes.Buffer
	in := &intake{ctx: t.Context(), log: slog.New(slog.NewTextHandler(&said, nil))}
	for range 3 {
		in.stranger("gate/7")
	}
	if n := strings.Count(said.String(), "topic=gate/7"); n != 1 {
		t.Errorf("%d lines: %s", n, said.String())
	}
}
