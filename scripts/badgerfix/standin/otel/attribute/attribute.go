// Package attribute stands in for the parts of reports that Badger makes of its compactions.
package attribute

// Int makes a part of a number.
func Int(string, int) struct{} { return struct{}{} }

// String makes a part of a text.
func String(string, string) struct{} { return struct{}{} }
