package sandbox

import "strings"

// Control digits of Russian numbers.

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// validINN knows the numbers of organizations (10 digits) and of people (12).
func validINN(s string, length int) bool {
	if len(s) != length || !digits(s) {
		return false
	}
	weights := []int{3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8}
	for first := map[int]int{10: 9, 12: 10}[length]; first < length; first++ {
		sum := 0
		for i, weight := range weights[len(weights)-first:] {
			sum += weight * int(s[i]-'0')
		}
		if sum%11%10 != int(s[first]-'0') {
			return false
		}
	}
	return true
}

// validOGRN knows the 13 digits of an organization.
func validOGRN(s string) bool {
	if len(s) != 13 || !digits(s) {
		return false
	}
	remainder := 0
	for _, c := range s[:12] {
		remainder = (remainder*10 + int(c-'0')) % 11
	}
	return remainder%10 == int(s[12]-'0')
}

// validSNILS takes the number with or without its separators. The first ones, up to 001-001-998, have no control number.
func validSNILS(s string) bool {
	plain := strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return r
		}
		return -1
	}, s)
	if len(plain) != 11 {
		return false
	}
	if plain[:9] <= "001001998" {
		return true
	}
	sum := 0
	for i := range 9 {
		sum += int(plain[i]-'0') * (9 - i)
	}
	sum = sum % 101 % 100
	return sum == int(plain[9]-'0')*10+int(plain[10]-'0')
}
