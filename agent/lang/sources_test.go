package lang

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// A source is a text that people can get to see, as it stands in the program: a format, or parts joined by + with %s for what
// is not constant.
type source struct {
	text string
	// at is file:line; where is the package's folder.
	at, where string
}

// help is where the texts of --help are from.
const help = "help"

// spoken are the packages whose texts people get to see.
var spoken = []string{
	"agent", "agent/broker", "agent/cardholders", "agent/config", "agent/doctor", "agent/event", "agent/fleet", "agent/health", "agent/intake",
	"agent/localapi", "agent/queue", "agent/service", "agent/settings", "agent/spelling", "agent/table", "agent/web", "agent/zone",
	"buffer", "drivers", "drivers/*", "uplink", "uplink/*",
}

// silent are those among them that only developers see.
var silent = []string{"drivers/drivertest", "uplink/sandbox", "uplink/uplinktest"}

// sources reads all texts of the module.
func sources(t *testing.T) []source {
	t.Helper()
	const root = "../.."
	var all []source
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, name)
		rel = filepath.ToSlash(rel)
		if entry.IsDir() {
			if base := entry.Name(); rel != "." && (strings.HasPrefix(base, ".") || base == "testdata" || base == "build" || base == "dist") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(rel, ".go") || strings.HasSuffix(rel, "_test.go") || !isSpoken(path.Dir(rel)) || path.Base(rel) == "gen.go" {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		found, err := textsOf(rel, text)
		if isDemo(rel) {
			found = slices.DeleteFunc(found, func(s source) bool { return s.where != help })
		}
		all = append(all, found...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func isSpoken(dir string) bool {
	match := func(pattern string) bool { ok, _ := path.Match(pattern, dir); return ok }
	return slices.ContainsFunc(spoken, match) && !slices.ContainsFunc(silent, match)
}

// isDemo tells what runs on the desk of somebody who looks at the program for the first time, and not at a site: of that, only
// the help is translated.
func isDemo(file string) bool {
	base := path.Base(file)
	return path.Dir(file) == "agent" && (strings.HasPrefix(base, "demo") || base == "sandbox.go")
}

// textsOf finds the texts of one file.
func textsOf(name string, text []byte) ([]source, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, text, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	c := collector{name: name, files: files}
	for _, d := range file.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.IMPORT {
			continue
		}
		ast.Inspect(d, c.visit)
	}
	return c.found, nil
}

type collector struct {
	name  string
	files *token.FileSet
	found []source
}

func (c *collector) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.Field: // tags
		return false
	case *ast.KeyValueExpr:
		if key, ok := n.Key.(*ast.Ident); ok && slices.Contains([]string{"Use", "Example", "Short", "Long"}, key.Name) {
			switch key.Name {
			case "Short", "Long":
				c.help(n.Value)
			case "Example":
				c.comments(n.Value)
			}
			return false
		}
	case *ast.CallExpr:
		return c.call(n)
	case *ast.BinaryExpr:
		if n.Op != token.ADD {
			return true
		}
		if text, constant := joined(n); constant {
			c.add(n, text)
			c.holes(n)
			return false
		}
	case *ast.BasicLit:
		if n.Kind == token.STRING {
			s, _ := strconv.Unquote(n.Value)
			c.add(n, s)
		}
	}
	return true
}

// call leaves out what no person reads: the log, patterns, and what is only compared.
func (c *collector) call(n *ast.CallExpr) bool {
	name := ""
	switch f := n.Fun.(type) {
	case *ast.SelectorExpr:
		name = f.Sel.Name
	case *ast.Ident:
		name = f.Name
	}
	switch name {
	case "Sprintf", "Fprintf": // also the shortest, if it is printed in the user's language
		if s, ok := literalAt(n, strings.Count(name, "F")); ok && !isFmt(n.Fun) {
			c.keep(n, s)
		}
	case "Debug", "Info", "Warn", "Error", "Log", "With", "MustCompile", "TrimPrefix", "TrimSuffix", "CutPrefix", "HasPrefix", "HasSuffix", "Contains":
		for _, a := range n.Args {
			if _, text := a.(*ast.BasicLit); !text {
				ast.Inspect(a, c.visit)
			}
		}
		ast.Inspect(n.Fun, c.visit)
		return false
	case "StringVar", "StringVarP", "BoolVar", "IntVar", "String", "Bool", "DurationVar", "StringSliceVar", "IntSliceVar", "StringArrayVar":
		if path.Dir(c.name) == "agent" && len(n.Args) > 2 {
			c.help(n.Args[len(n.Args)-1])
			return false
		}
	case "Func": // name, usage, what it does
		if path.Dir(c.name) == "agent" && len(n.Args) == 3 {
			c.help(n.Args[1])
			ast.Inspect(n.Args[2], c.visit)
			return false
		}
	case "counted", "count":
		if thing, ok := literalAt(n, 1); ok {
			c.keep(n, "%d "+thing)
			c.keep(n, "%d "+plural(thing))
			ast.Inspect(n.Args[0], c.visit)
			return false
		}
	case "New", "Errorf": // also a single word
		if s, ok := literalAt(n, 0); ok {
			c.keep(n, s)
		}
	}
	return true
}

// isFmt tells the functions of package fmt from those of a Printer.
func isFmt(f ast.Expr) bool {
	s, ok := f.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	x, ok := s.X.(*ast.Ident)
	return ok && x.Name == "fmt"
}

// help keeps a text of the commands' help.
func (c *collector) help(e ast.Expr) {
	if text, ok := joined(e); ok {
		c.found = append(c.found, source{text: text, at: c.at(e), where: help})
	}
}

// comments keeps what stands behind the command lines of examples.
func (c *collector) comments(e ast.Expr) {
	text, _ := joined(e)
	for line := range strings.Lines(text) {
		if _, comment, found := strings.Cut(strings.TrimSpace(line), "   "); found {
			c.found = append(c.found, source{text: strings.TrimSpace(comment), at: c.at(e), where: help})
		}
	}
}

func (c *collector) at(n ast.Node) string {
	return c.name + ":" + strconv.Itoa(c.files.Position(n.Pos()).Line)
}

// plural is what counted says of several things.
func plural(thing string) string {
	if strings.HasSuffix(thing, "s") {
		return thing + "es"
	}
	return thing + "s"
}

func literalAt(n *ast.CallExpr, i int) (string, bool) {
	if i >= len(n.Args) {
		return "", false
	}
	return literal(n.Args[i])
}

func literal(e ast.Expr) (string, bool) {
	l, ok := e.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(l.Value)
	return s, err == nil
}

// joined gives the text of a sum, with %s for what is not constant, and whether it has a constant part at all.
func joined(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if s, ok := literal(e); ok {
			return s, true
		}
	case *ast.BinaryExpr:
		if e.Op == token.ADD {
			x, inX := joined(e.X)
			y, inY := joined(e.Y)
			return x + y, inX || inY
		}
	case *ast.ParenExpr:
		return joined(e.X)
	}
	return "%s", false
}

// holes looks for texts within what is not constant of a sum.
func (c *collector) holes(e ast.Expr) {
	switch e := e.(type) {
	case *ast.BasicLit:
	case *ast.BinaryExpr:
		c.holes(e.X)
		c.holes(e.Y)
	default:
		ast.Inspect(e, c.visit)
	}
}

// add keeps a text if it looks like one for people: several words, or one with a placeholder and a sign.
func (c *collector) add(n ast.Node, text string) {
	if isProse(text) {
		c.keep(n, text)
	}
}

func (c *collector) keep(n ast.Node, text string) {
	if text = strings.Trim(text, "\n"); !strings.ContainsFunc(placeholder.ReplaceAllString(text, ""), unicode.IsLetter) {
		return // nothing but placeholders; the printer takes the ends of lines along
	}
	s := source{text, c.at(n), path.Dir(c.name)}
	if !slices.Contains(c.found, s) {
		c.found = append(c.found, s)
	}
}

// placeholder is one of a format.
var placeholder = regexp.MustCompile(`%[-+# 0-9.]*(\[\d+\])?[a-zA-Z]`)

// isProse tells words for people from keys, paths, addresses of the local socket and columns in Russian.
func isProse(s string) bool {
	if strings.HasPrefix(s, "GET /") || strings.HasPrefix(s, "POST /") || !strings.ContainsAny(s, latin) {
		return false
	}
	s = placeholder.ReplaceAllString(s, "0")
	letters := func(word string) bool {
		return len(word) > 1 && strings.IndexFunc(word, func(r rune) bool { return !unicode.IsLetter(r) }) < 0
	}
	words := 0
	for _, w := range strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(",.;:?!()`\"", r) }) {
		if letters(w) {
			words++
		}
	}
	return strings.ContainsRune(s, ' ') && words > 0
}

const latin = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
