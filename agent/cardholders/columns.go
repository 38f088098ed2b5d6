package cardholders

import "github.com/acs-agent/acs-agent/agent/table"

// The columns of the file.
const (
	cardColumn         = "card"
	iinColumn          = "iin"
	nameColumn         = "full_name"
	organizationColumn = "organization"
	fromColumn         = "valid_from"
	toColumn           = "valid_to"
)

// columns gives the columns with the names that they have in other people's tables.
func columns() []table.Column {
	return []table.Column{
		{Name: cardColumn, Required: true, Synonyms: []string{
			"card number", "card no", "card id", "card code", "cardnumber", "uid",
			"карта", "номер карты", "код карты", "№ карты", "номер пропуска", "пропуск",
		}},
		{Name: iinColumn, Required: true, Synonyms: []string{"иин", "жсн"}},
		{Name: nameColumn, Required: true, Synonyms: []string{
			"fullname", "fio", "name", "фио", "ф и о", "имя", "фамилия имя отчество", "аты жөні",
		}},
		{Name: organizationColumn, Synonyms: []string{
			"organisation", "organization id", "org", "org id", "организация", "учреждение", "ұйым",
		}},
		{Name: fromColumn, Synonyms: []string{"from", "действует с", "действительна с", "с", "дата начала"}},
		{Name: toColumn, Synonyms: []string{
			"valid until", "to", "until", "действует до", "действует по", "действительна до", "до", "по", "дата окончания",
		}},
	}
}
