package line

// symbologies are the code characters of AIM symbology identifiers (ISO/IEC 15424) that scanners for passes send.
var symbologies = map[byte]string{
	'A': "code39", 'C': "code128", 'E': "ean", 'F': "codabar", 'G': "code93", 'H': "code11", 'I': "itf", 'L': "pdf417",
	'M': "msi", 'Q': "qr", 'd': "datamatrix", 'e': "databar", 'z': "aztec",
}

// cutAIM takes the identifier off the beginning of a line: ']', a letter for the symbology, a character for its options. The
// symbology is empty if there is none, and "other" if the letter is not known here.
func cutAIM(line []byte) (symbology string, rest []byte) {
	if len(line) < 3 || line[0] != ']' || !letter(line[1]) {
		return "", line
	}
	symbology, known := symbologies[line[1]]
	if !known {
		symbology = "other"
	}
	return symbology, line[3:]
}

func letter(c byte) bool { return 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' }
