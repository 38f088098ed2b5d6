package table

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	utf16 "golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// An Encoding is one in which a file may be; its text is its name for people.
type Encoding string

// The encodings that are read. UTF-16 needs a byte order mark and may be of either order.
const (
	UTF8        Encoding = "UTF-8"
	MarkedUTF8  Encoding = "UTF-8 with byte order mark"
	UTF16       Encoding = "UTF-16"
	Windows1251 Encoding = "Windows-1251"
)

// recognise reads the whole of src and says in which encoding it is. A file in an encoding that is not taken is an error that
// names it as far as it can be told: names that are wrong must not get to a portal.
func recognise(src io.Reader) (Encoding, error) {
	var s survey
	buf := make([]byte, 64<<10)
	for first := true; ; first = false {
		n, err := io.ReadFull(src, buf)
		if first {
			if e, err := byMark(buf[:n]); e != "" || err != nil {
				return e, err
			}
		}
		s.add(buf[:n])
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return s.encoding()
		case err != nil:
			return "", err
		}
	}
}

var utf8Mark = []byte{0xEF, 0xBB, 0xBF}

// byMark recognises what says in its first bytes what it is.
func byMark(start []byte) (Encoding, error) {
	switch {
	case bytes.HasPrefix(start, utf8Mark):
		return MarkedUTF8, nil
	case bytes.HasPrefix(start, []byte{0xFF, 0xFE, 0, 0}):
		return "", errors.New("the file is in UTF-32" + SaveAsUTF8)
	case bytes.HasPrefix(start, []byte{0xFF, 0xFE}), bytes.HasPrefix(start, []byte{0xFE, 0xFF}):
		return UTF16, nil
	case bytes.HasPrefix(start, []byte("PK\x03\x04")), bytes.HasPrefix(start, []byte{0xD0, 0xCF, 0x11, 0xE0}):
		return "", errors.New("the file is a workbook and no CSV file" + SaveAsUTF8)
	case bytes.IndexByte(start, 0) >= 0:
		return "", errors.New("the file is no text, or in UTF-16 without byte order mark" + SaveAsUTF8)
	}
	return "", nil
}

// open gives the text of src, which stands at its beginning, as UTF-8 without byte order mark.
func (e Encoding) open(src io.Reader) (io.Reader, error) {
	switch e {
	case MarkedUTF8:
		_, err := io.CopyN(io.Discard, src, int64(len(utf8Mark)))
		return src, err
	case UTF16:
		return transform.NewReader(src, utf16.UTF16(utf16.LittleEndian, utf16.ExpectBOM).NewDecoder()), nil
	case Windows1251:
		return charmap.Windows1251.NewDecoder().Reader(src), nil
	default:
		return src, nil
	}
}

// A survey counts what tells encodings apart.
type survey struct {
	// letters are the well-formed letters of UTF-8 beyond ASCII, broken the bytes that are none.
	letters, broken int
	// pairs counts bytes beyond ASCII with the byte before each. They are counted in the first sample bytes beyond ASCII.
	pairs  [256][128]uint32
	sample int
	last   byte
	// rest are the bytes of a letter that goes on in the next block; block is that block with the rest before it.
	rest, block []byte
}

// sampleSize is how many bytes beyond ASCII are looked at: enough for thousands of names.
const sampleSize = 1 << 20

func (s *survey) add(block []byte) {
	for _, c := range block {
		if c >= utf8.RuneSelf && s.sample < sampleSize {
			s.pairs[s.last][c-utf8.RuneSelf]++
			s.sample++
		}
		s.last = c
	}
	s.block = append(append(s.block[:0], s.rest...), block...)
	block = s.block
	for len(block) > 0 && utf8.FullRune(block) {
		if block[0] < utf8.RuneSelf {
			block = block[1:]
			continue
		}
		block = block[s.one(block):]
	}
	s.rest = append(s.rest[:0], block...)
}

// one counts the character at the start of b and gives its length.
func (s *survey) one(b []byte) int {
	r, n := utf8.DecodeRune(b)
	switch {
	case r == utf8.RuneError && n == 1:
		s.broken++
	case n > 1:
		s.letters++
	}
	return n
}

// encoding decides. A UTF-8 file with some damaged bytes stays one, for a damaged row is a smaller evil than a damaged file;
// letters of Windows-1251 that happen to look like UTF-8 are rare.
func (s *survey) encoding() (Encoding, error) {
	s.broken += len(s.rest)
	if s.broken == 0 || s.letters > 4*s.broken {
		return UTF8, nil
	}
	best, bestName := math.Inf(-1), ""
	for _, c := range candidates() {
		if score := s.score(c.chars); score > best {
			best, bestName = score, c.name
		}
	}
	switch {
	case best < implausible:
		return "", errors.New("the file is neither UTF-8 nor Windows-1251" + SaveAsUTF8)
	case bestName != string(Windows1251):
		return "", fmt.Errorf("the file is neither UTF-8 nor Windows-1251, but %s by the look of its letters%s", bestName, SaveAsUTF8)
	}
	return Windows1251, nil
}

type candidate struct {
	name  string
	chars *charmap.Charmap
}

func candidates() []candidate {
	return []candidate{
		{string(Windows1251), charmap.Windows1251},
		{"CP866 (DOS)", charmap.CodePage866},
		{"KOI8-R", charmap.KOI8R},
		{"Mac Cyrillic", charmap.MacintoshCyrillic},
		{"ISO 8859-5", charmap.ISO8859_5},
	}
}

// implausible is the mean score below which a text is no Russian one. Names score about -3, random letters below -6.
const implausible = -5.0

// score says how much the text looks like Russian names in that encoding: the mean logarithm of how frequent its letters are,
// less what speaks against it in the way that letters follow each other.
func (s *survey) score(chars *charmap.Charmap) float64 {
	sum, n := 0.0, 0.0
	for last := range s.pairs {
		before := chars.DecodeByte(byte(last))
		for c, times := range s.pairs[last] {
			if times > 0 {
				sum += float64(times) * scorePair(before, chars.DecodeByte(byte(c+utf8.RuneSelf)))
				n += float64(times)
			}
		}
	}
	return sum / max(n, 1)
}

func scorePair(before, r rune) float64 {
	lower := unicode.ToLower(r)
	if lower == 'ё' {
		lower = 'е'
	}
	if lower < 'а' || lower > 'я' {
		switch r {
		case '№', '«', '»', '\u00A0', '–', '—':
			return -4
		}
		return -9
	}
	score := math.Log(float64(perMille[lower-'а']) / 1000)
	switch {
	case before < utf8.RuneSelf && unicode.IsLetter(before):
		score -= 5 // Latin and Cyrillic in one word
	case unicode.IsLower(before) && unicode.IsUpper(r):
		score -= 4
	case !unicode.IsLetter(before) && unicode.IsLower(r):
		score-- // names begin with a capital letter
	}
	return score
}

// perMille is roughly how often each letter, а to я, stands in a thousand letters of names and of common words.
var perMille = [32]uint8{
	105, 18, 50, 15, 28, 80, 8, 16, 75, 16, 42, 50, 34, 70, 90, 22, // а б в г д е ж з и й к л м н о п
	52, 45, 45, 32, 6, 9, 4, 12, 8, 2, 1, 15, 13, 4, 6, 21, // р с т у ф х ц ч ш щ ъ ы ь э ю я
}
