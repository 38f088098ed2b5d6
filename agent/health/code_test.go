package health

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// constants reads the codes from the source.
func constants(t *testing.T) (codes []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "code.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		value, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if typ, ok := value.Type.(*ast.Ident); !ok || typ.Name != "Code" {
			return true
		}
		for _, v := range value.Values {
			text, err := strconv.Unquote(v.(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			codes = append(codes, text)
		}
		return true
	})
	if len(codes) < 20 {
		t.Fatalf("found only the codes %q", codes)
	}
	return codes
}

func TestCodesAreWordsForMachines(t *testing.T) {
	form := regexp.MustCompile(`^[a-z0-9-]{1,40}$`)
	seen := make(map[string]bool)
	for _, code := range constants(t) {
		if !form.MatchString(code) {
			t.Errorf("%q is no word for machines", code)
		}
		if seen[code] {
			t.Errorf("%q stands for two things", code)
		}
		seen[code] = true
	}
}

func TestEveryCodeIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/codes.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| [^|]+ \\|$").FindAllStringSubmatch(string(page), -1) {
		documented = append(documented, row[1])
	}
	codes := constants(t)
	for _, code := range codes {
		if !slices.Contains(documented, code) {
			t.Errorf("docs/codes.md has no row of %q", code)
		}
	}
	for _, code := range documented {
		if !slices.Contains(codes, code) && !strings.HasSuffix(code, "-line-N") {
			t.Errorf("docs/codes.md has %q, which does not exist", code)
		}
	}
}

func TestWhatACauseTells(t *testing.T) {
	for _, c := range []struct {
		err  error
		want Code
	}{
		{nil, ""},
		{errors.New("anything"), Failing},
		{&fs.PathError{Op: "open", Path: "x", Err: syscall.ENOENT}, Missing},
		{&fs.PathError{Op: "open", Path: "x", Err: syscall.EACCES}, Permission},
		{fmt.Errorf("write: %w", syscall.ENOSPC), DiskFull},
		{fmt.Errorf("write: %w", syscall.EROFS), ReadOnly},
		{&net.DNSError{Name: "portal.example"}, NoName},
		{&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, Refused},
		{&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.EHOSTUNREACH)}, NoRoute},
		{fmt.Errorf("read: %w", io.ErrUnexpectedEOF), Cut},
		{context.DeadlineExceeded, Timeout},
		{x509.UnknownAuthorityError{}, TLS},
		{x509.CertificateInvalidError{Reason: x509.Expired}, ClockWrong},
		{x509.CertificateInvalidError{Reason: x509.NotAuthorizedToSign}, TLS},
		// Who knows more has the last word, wherever in the chain it stands.
		{Coded(KeyRefused, io.EOF), KeyRefused},
		{fmt.Errorf("portal: %w", Coded(KeyRefused, io.EOF)), KeyRefused},
		{Coded(PortalBusy, Coded(KeyRefused, io.EOF)), PortalBusy},
		{Coded(KeyRefused, nil), ""},
		// Who knows less leaves it to the cause.
		{Fallback(ListUnusable, errors.New("no header")), ListUnusable},
		{Fallback(ListUnusable, fs.ErrNotExist), Missing},
		{Fallback(ListUnusable, Coded(JournalFull, errors.New("full"))), JournalFull},
		{Fallback(ListUnusable, nil), ""},
		{As(fs.ErrNotExist, errors.New("there is no list; nobody is known")), Missing},
		{As(nil, io.EOF), Cut},
	} {
		if got := CodeOf(c.err); got != string(c.want) {
			t.Errorf("%v: %q, want %q", c.err, got, c.want)
		}
	}
}
