//go:build !unix

package doctor

import "os"

// An Account is the user that the agent runs as; this system has other ways to say who may do what.
type Account struct{ Name string }

// Root says whether it is the user who may do everything.
func (a *Account) Root() bool { return false }

// AccountOf finds nobody here.
func AccountOf(int, string, string) *Account { return nil }

func (a *Account) may(os.FileInfo, os.FileMode) bool          { return true }
func (a *Account) owns(os.FileInfo) (owner string, owns bool) { return a.Name, true }
func groupOf(os.FileInfo) string                              { return "" }
