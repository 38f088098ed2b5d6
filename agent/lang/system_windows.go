package lang

import "golang.org/x/sys/windows"

// primaryRussian is LANG_RUSSIAN, the lower ten bits of the identifiers of all Russian locales.
const primaryRussian = 0x19

// ofSystem asks Windows for the language of the user's screens.
func ofSystem() string {
	language, _, err := windows.NewLazySystemDLL("kernel32.dll").NewProc("GetUserDefaultUILanguage").Call()
	_ = err // always set; the function does not fail
	if language&0x3ff == primaryRussian {
		return Russian
	}
	return English
}
