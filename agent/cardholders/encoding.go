package cardholders

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

// An encoding is one in which the file may be.
type encoding string

const (
	plainUTF8   encoding = "UTF-8"
	markedUTF8  encoding = "UTF-8 with byte order mark"
	markedUTF16 encoding = "UTF-16"
	windows1251 encoding = "Windows-1251"
)

// recognise reads the whole of src and says in which encoding it is. A file in an encoding that is not taken is an error that
// names it as far as it can be told: names that are wrong must not get to a portal.
func recognise(src io.Reader) (encoding, error) {
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
func byMark(start []byte) (encoding, error) {
	switch {
	case bytes.HasPrefix(start, utf8Mark):
		return markedUTF8, nil
	case bytes.HasPrefix(start, []byte{0xFF, 0xFE, 0, 0}):
		return "", errors.New("the file is in UTF-32" + saveAsUTF8)
	case bytes.HasPrefix(start, []byte{0xFF, 0xFE}), bytes.HasPrefix(start, []byte{0xFE, 0xFF}):
		return markedUTF16, nil
	case bytes.HasPrefix(start, []byte("PK\x03\x04")), bytes.HasPrefix(start, []byte{0xD0, 0xCF, 0x11, 0xE0}):
		return "", errors.New("the file is a workbook and no CSV file" + saveAsUTF8)
	case bytes.IndexByte(start, 0) >= 0:
		return "", errors.New("the file is no text, or in UTF-16 without byte order mark" + saveAsUTF8)
	}
	return "", nil
}

// open gives the text of src, which stands at its beginning, as UTF-8 without byte order mark.
func (e encoding) open(src io.Reader) (io.Reader, error) {
	switch e {
	case markedUTF8:
		_, err := io.CopyN(io.Discard, src, int64(len(utf8Mark)))
		return src, err
	case markedUTF16:
		return transform.NewReader(src, utf16.UTF16(utf16.LittleEndian, utf16.ExpectBOM).NewDecoder()), nil
	case windows1251:
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
func (s *survey) encoding() (encoding, error) {
	s.broken += len(s.rest)
	if s.broken == 0 || s.letters > 4*s.broken {
		return plainUTF8, nil
	}
	best, bestName := math.Inf(-1), ""
	for _, c := range candidates() {
		if score := s.score(c.chars); score > best {
			best, bestName = score, c.name
		}
	}
	switch {
	case best < implausible:
		return "", errors.New("the file is neither UTF-8 nor Windows-1251" + saveAsUTF8)
	case bestName != string(windows1251):
		return "", fmt.Errorf("the file is neither UTF-8 nor Windows-1251, but %s by the look of its letters%s", bestName, saveAsUTF8)
	}
	return windows1251, nil
}

type candidate struct {
	name  string
	chars *charmap.Charmap
}

func candidates() []candidate {
	return []candidate{
		{string(windows1251), charmap.Windows1251},
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
