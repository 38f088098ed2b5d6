// Package spelling finds the words that somebody probably meant.
package spelling

import (
	"slices"
	"strings"
)

// maxWord is the length in characters above which a word is not compared: nobody types such a word by hand.
const maxWord = 64

// Nearest gives those of the known words that differ from word by few slips of the hand, nearest first and at most three.
// Upper and lower case are the same, and so are hyphen, underscore and space. A slip is a letter too many, missing, wrong, or
// swapped with its neighbour; one is forgiven for every three letters.
func Nearest(word string, known []string) []string {
	type candidate struct {
		word  string
		slips int
	}
	w := normal(word)
	if len(w) == 0 || len(w) > maxWord {
		return nil
	}
	var near []candidate
	for _, k := range known {
		if n := slips(w, normal(k)); n <= max(1, len(w)/3) {
			near = append(near, candidate{k, n})
		}
	}
	slices.SortStableFunc(near, func(x, y candidate) int { return x.slips - y.slips })
	words := make([]string, 0, 3)
	for _, c := range near[:min(3, len(near))] {
		words = append(words, c.word)
	}
	return words
}

func normal(word string) []rune {
	return []rune(strings.NewReplacer("-", "_", " ", "_").Replace(strings.ToLower(word)))
}

// slips is the edit distance with swaps of neighbours (optimal string alignment).
func slips(a, b []rune) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			wrong := 1
			if a[i-1] == b[j-1] {
				wrong = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+wrong)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
