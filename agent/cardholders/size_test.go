package cardholders

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/table"
)

// crowd makes a file of so many invented people in which every form of card occurs.
func crowd(rows int) []byte {
	var b bytes.Buffer
	b.WriteString("карта;ИИН;ФИО;организация;действует с;действует до\r\n")
	random := rand.New(rand.NewPCG(1, 2))
	var iins [1000]string
	for i := range iins {
		iins[i] = somebody(i)
	}
	surnames := []string{"Пробный", "Образцовский", "Примеров-Задунайский", "Тестова"}
	names := []string{"Проба", "Образец", "Пример"}
	for i := range rows {
		card := 0x5500000000 | uint64(random.Uint32())
		form := []string{
			fmt.Sprintf("%010X", card), fmt.Sprintf("%010d", card&0xFFFFFFFF), fmt.Sprintf("%03d,%05d", card>>16&0xFF, card&0xFFFF),
			fmt.Sprintf("%014X", random.Uint64()>>8), fmt.Sprintf("QR-%08X-%d", card, i),
		}[i%5]
		fmt.Fprintf(&b, "%s;%s;%s %s %sович;school-%d;01.09.2026;31.05.2027\r\n", form, iins[i%len(iins)], surnames[i%4], names[i%3], names[i/3%3], i%40)
	}
	return b.Bytes()
}

// somebody gives the i-th invented IIN.
func somebody(i int) string {
	first := fmt.Sprintf("900101%05d", 30000+i)
	for control := range 10 {
		if iin := fmt.Sprintf("%s%d", first, control); event.ValidIIN(iin) {
			return iin
		}
	}
	return "900101300017"
}

func TestBookIsSmall(t *testing.T) {
	const rows, limit = 25_000, 4 << 20 // BenchmarkLoad measures four times as many
	file := crowd(rows)
	before := heap()
	b, report, err := readText(string(file))
	if err != nil || b.Len() != rows {
		t.Fatalf("%v\n%s", err, report.String())
	}
	retained := heap() - before
	t.Logf("%d rows, file %.1f MB, book %.1f MB, %d warnings", rows, float64(len(file))/1e6, float64(retained)/1e6, report.Warned)
	if retained > limit {
		t.Errorf("a book of %d rows takes %d bytes, want at most %d", rows, retained, limit)
	}
	runtime.KeepAlive(b)
	runtime.KeepAlive(file)
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestTooManyRowsAreRefused(t *testing.T) {
	l := loader{book: &Book{rows: make([]row, MaxRows)}}
	rows, err := table.New(strings.NewReader("card;iin;full_name\n7EE424"+person), columns())
	if err != nil {
		t.Fatal(err)
	}
	if err := l.readRows(rows); err == nil {
		t.Error("taken")
	}
}

func BenchmarkLoad(b *testing.B) {
	file := crowd(100_000)
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	var book *Book
	before := heap()
	for b.Loop() {
		var err error
		if book, _, err = readText(string(file)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(heap()-before), "B/book")
	runtime.KeepAlive(book)
	runtime.KeepAlive(file)
}

func BenchmarkFind(b *testing.B) {
	book, _, err := readText(string(crowd(100_000)))
	if err != nil {
		b.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	number := []byte{0x55, 0, 0, 0, 0}
	for i := range 4 {
		number[4-i] = byte(random.Uint32() >> (8 * i))
	}
	c := event.Credential{Bits: 40, Number: number}
	b.ReportAllocs()
	for b.Loop() {
		book.Find(&c, on(2026, 10, 1))
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte("card;iin;full_name\n55007EE424;900101300017;Пробный Проба\n"))
	f.Add([]byte("sep=,\r\ncard,iin,full_name\r\n\"126,58404\",50101500030,\"Проба \"\"П\"\"\"\r\n"))
	f.Add([]byte("\xEF\xBB\xBFкарта\tиин\tфио\n1;2\t3\n"))
	f.Add([]byte("\xFF\xFEc\x00a\x00"))
	f.Add([]byte("card;iin;full_name\n1;2;\xCF\xF0\xEE\xE1\xE0\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		b, report, err := readText(string(file))
		if err != nil {
			return
		}
		if b.Len() != report.Used || len(report.Refusals) > MaxRemarks || len(report.Warnings) > MaxRemarks {
			t.Fatalf("%d rows, report %+v", b.Len(), report)
		}
		for i := range b.rows {
			if r := &b.rows[i]; b.unpack(r.name) == "" || r.from > r.to || !event.ValidIIN(fmt.Sprintf("%012d", r.iin)) {
				t.Fatalf("row %d: %+v", i, r)
			}
		}
	})
}
