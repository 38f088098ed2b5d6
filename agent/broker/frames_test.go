package broker

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

func message(topic string, size int) []byte {
	p := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
	p.TopicName, p.Qos, p.MessageID, p.Payload = topic, 1, 7, bytes.Repeat([]byte{'x'}, size)
	var b bytes.Buffer
	_ = p.Write(&b)
	return b.Bytes()
}

func TestFrameReaderLeavesPacketsAlone(t *testing.T) {
	var stream []byte
	for _, size := range []int{0, 1, 100, 127, 128, 16_383, 16_384, MaxMessage} {
		stream = append(stream, message("gate/1", size)...)
	}
	stream = append(stream, 0xD0, 0x00) // PINGRESP
	for name, in := range map[string]io.Reader{"whole": bytes.NewReader(stream), "in bits": iotest.OneByteReader(bytes.NewReader(stream))} {
		got, err := io.ReadAll(newFrameReader(in))
		if err != nil || !bytes.Equal(got, stream) {
			t.Errorf("%s: %d bytes of %d, error %v", name, len(got), len(stream), err)
		}
	}
}

func TestFrameReaderCutsWhatIsTooLong(t *testing.T) {
	stream := append(message("gate/1", 3_000_000), message("gate/2", 5)...)
	r := newFrameReader(bytes.NewReader(stream))
	for _, want := range []struct {
		topic string
		long  bool
	}{{"gate/1", true}, {"gate/2", false}} {
		cp, err := packets.ReadPacket(r)
		if err != nil {
			t.Fatal(err)
		}
		p := cp.(*packets.PublishPacket)
		if p.TopicName != want.topic || p.MessageID != 7 || (len(p.Payload) > MaxMessage) != want.long || len(p.Payload) > maxFrame {
			t.Errorf("%s: topic %s, id %d, %d bytes", want.topic, p.TopicName, p.MessageID, len(p.Payload))
		}
	}
}

func TestFrameReaderRefusesOtherProtocols(t *testing.T) {
	for name, stream := range map[string][]byte{
		"endless length": {0x30, 0xFF, 0xFF, 0xFF, 0xFF, 0x01},
		"huge suback":    {0x90, 0xFF, 0xFF, 0xFF, 0x7F},
	} {
		if _, err := io.ReadAll(newFrameReader(bytes.NewReader(stream))); !errors.Is(err, errFrame) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := io.ReadAll(newFrameReader(bytes.NewReader([]byte{0x30, 0x80}))); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut header: %v", err)
	}
}

func FuzzFrameReader(f *testing.F) {
	f.Add(message("gate/1", 200))
	f.Add([]byte{0x30, 0xFF, 0xFF, 0xFF, 0x7F, 0})
	f.Fuzz(func(t *testing.T, stream []byte) {
		got, err := io.ReadAll(newFrameReader(bytes.NewReader(stream)))
		if len(got) > len(stream)+5 {
			t.Fatalf("%d bytes out of %d", len(got), len(stream))
		}
		if err == nil && len(stream) <= maxFrame && !bytes.HasPrefix(got, stream[:min(1, len(got))]) {
			t.Fatal("the first byte changed")
		}
	})
}
