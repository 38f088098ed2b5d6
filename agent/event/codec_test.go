package event

import (
	"errors"
	"reflect"
	"testing"
	"time"
)

func fullPass() *Pass {
	almaty := time.FixedZone("", 5*3600)
	return &Pass{
		ID: ID{1, 2, 3, 15: 255}, Device: "almaty-gate-1", Reader: "gate-1-in",
		Credential: Credential{
			Format: "ironlogic/em-marine", Number: []byte{0x55, 0, 0x7E, 0xE4, 0x24}, Bits: 40,
			Short: []byte{0x7E, 0xE4, 0x24}, Text: "Em-Marine[5500] 126,58404", Raw: []byte("Em-Marine[5500] 126,58404"),
		},
		Direction: In, Outcome: Passed,
		At: Instant{
			Wall: time.UnixMilli(1_700_000_000_123).In(almaty), Boot: "3e0c6c1e-1111-4222-8333-000000000000",
			SinceBoot: 93 * time.Hour, Trusted: true,
		},
		DeviceTime: time.UnixMilli(-5000).In(time.FixedZone("", -3*3600)), EventID: "17", KnownAs: "user 8",
		Organization: Organization{BIN: "010140000014", Name: "Школа № 12"}, Note: "Корпус 1, вход",
		Holder: Holder{IIN: "050101500030", Name: "Пробная Проба Пробовна"}, Pending: None,
	}
}

func TestCodecKeepsEverything(t *testing.T) {
	zero := &Pass{At: Instant{Wall: time.UnixMilli(0).In(time.FixedZone("", 0))}}
	plain := fullPass()
	plain.Credential.Text, plain.DeviceTime, plain.Pending = "55007EE424", time.Time{}, UnknownCard
	for name, want := range map[string]*Pass{"full": fullPass(), "zero": zero, "no device time": plain} {
		var got Pass
		if err := Decode(AppendEncoded(nil, want), &got); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !got.At.Wall.Equal(want.At.Wall) || got.At.Wall.Format(time.RFC3339Nano) != want.At.Wall.Format(time.RFC3339Nano) {
			t.Errorf("%s: wall clock %v, want %v", name, got.At.Wall, want.At.Wall)
		}
		if !got.DeviceTime.Equal(want.DeviceTime) {
			t.Errorf("%s: device time %v, want %v", name, got.DeviceTime, want.DeviceTime)
		}
		got.At.Wall, got.DeviceTime = want.At.Wall, want.DeviceTime
		if !reflect.DeepEqual(&got, want) {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, want)
		}
	}
}

func TestDecodeRefusesDamage(t *testing.T) {
	whole := AppendEncoded(nil, fullPass())
	var p Pass
	for n := range whole {
		if err := Decode(whole[:n], &p); !errors.Is(err, ErrEncoding) {
			t.Fatalf("first %d of %d bytes: error %v, want ErrEncoding", n, len(whole), err)
		}
	}
	if err := Decode(append(whole, 0), &p); !errors.Is(err, ErrEncoding) {
		t.Errorf("a byte too many: error %v", err)
	}
	whole[0] = 99
	if err := Decode(whole, &p); !errors.Is(err, ErrEncoding) {
		t.Errorf("another version: error %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(AppendEncoded(nil, fullPass()))
	f.Fuzz(func(t *testing.T, b []byte) {
		var p, again Pass
		if Decode(b, &p) != nil {
			return
		}
		if err := Decode(AppendEncoded(nil, &p), &again); err != nil {
			t.Fatalf("decoded, encoded, and then: %v", err)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	whole := AppendEncoded(nil, fullPass())
	b.SetBytes(int64(len(whole)))
	b.ReportAllocs()
	var p Pass
	for b.Loop() {
		if err := Decode(whole, &p); err != nil {
			b.Fatal(err)
		}
	}
}

func TestWordsOfEnumerations(t *testing.T) {
	for d := range Direction(3) {
		var back Direction
		if err := back.UnmarshalText([]byte(d.String())); err != nil || back != d {
			t.Errorf("%v: %v %v", d, back, err)
		}
	}
	var d Direction
	if err := d.UnmarshalText([]byte("sideways")); err == nil {
		t.Error("sideways is a direction")
	}
}
