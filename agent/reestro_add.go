package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/acs-agent/acs-agent/uplink/reestro"
)

// subjectFlags adds a flag for each thing that is known of a subject.
func subjectFlags(cmd *cobra.Command, f *reestro.Fields) {
	for _, flag := range []struct {
		into        *string
		name, usage string
	}{
		{&f.Surname, "surname", "surname of a person"},
		{&f.Name, "name", "first name"},
		{&f.Patronymic, "patronymic", "patronymic, if there is one"},
		{&f.BirthDate, "birth-date", "date of birth, 1990-01-31 or 31.01.1990"},
		{&f.INN, "inn", "INN: 12 digits of a person, 10 of an organization"},
		{&f.SNILS, "snils", "SNILS of a person"},
		{&f.OGRN, "ogrn", "OGRN of an organization, or OGRNIP"},
		{&f.Consent, "consent", "that the person has agreed: yes, or the day on which it was given"},
	} {
		cmd.Flags().StringVar(flag.into, flag.name, "", flag.usage)
	}
}

func newSubjectsAdd(o *options) *cobra.Command {
	var given reestro.Fields
	cmd := &cobra.Command{
		Use:   "add",
		Short: "Hand in a subject; it is sent once, however often it is handed in",
		Long: "Takes one subject from flags, or any number of them as JSON objects from the standard input, with the members surname,\n" +
			"name, patronymic, birth_date, inn, snils, ogrn and consent. What stands in flags can be seen by other users of this\n" +
			"machine and stays in the shell's history; the standard input has no such witnesses.",
		Example: "  acs-agent subjects add < subject.json\n  acs-agent subjects add --ogrn 1027700132195\n" +
			"  acs-agent subjects add --surname Пробная --name Проба --birth-date 1990-01-31 --consent yes",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			next := subjectsFrom(cmd.InOrStdin())
			if given != (reestro.Fields{}) {
				next = onlySubject(given)
			}
			return o.withUplink(cmd, reestro.Module.Type, func(u *uplinkClient) error { return o.addSubjects(cmd, u, next) })
		},
	}
	subjectFlags(cmd, &given)
	o.wantsJSON(cmd)
	wantsUplink(cmd)
	return cmd
}

// addSubjects hands in one after the other. One that cannot be used does not keep the others back.
func (o *options) addSubjects(cmd *cobra.Command, u *uplinkClient, next func() (reestro.Fields, error)) error {
	failed, count := 0, 0
	for {
		f, err := next()
		if errors.Is(err, io.EOF) {
			break
		}
		count++
		if err != nil {
			return fmt.Errorf("subject %d: %w", count, err) // where the next one would begin is not known
		}
		var got reestro.ReceiptView
		if err := u.post("/subjects", nil, f, &got); err != nil {
			failed++
			_, _ = o.lang.Fprintf(cmd.ErrOrStderr(), "subject %d of those given: %v\n", count, err)
			continue
		}
		if err := o.printReceipt(cmd.OutOrStdout(), got); err != nil {
			return err
		}
	}
	switch {
	case count == 0:
		return usage{errors.New("there is no subject: give it in flags, or as JSON on the standard input")}
	case failed > 0:
		return errSaid
	}
	return nil
}

func (o *options) printReceipt(w io.Writer, got reestro.ReceiptView) (err error) {
	switch {
	case o.json:
		return json.NewEncoder(w).Encode(got)
	case got.Known:
		_, err = o.lang.Fprintf(w, "subject %d: known already, %s\n", got.Number, o.lang.Word(got.State))
	case got.Mended:
		_, err = o.lang.Fprintf(w, "subject %d: was refused, is sent again with these data\n", got.Number)
	default:
		_, err = o.lang.Fprintf(w, "subject %d: will be sent\n", got.Number)
	}
	return err
}

func onlySubject(f reestro.Fields) func() (reestro.Fields, error) {
	given := false
	return func() (reestro.Fields, error) {
		if given {
			return reestro.Fields{}, io.EOF
		}
		given = true
		return f, nil
	}
}

// subjectsFrom reads JSON objects. Numbers and true are understood as what they look like: who writes 500100732259 means an INN.
func subjectsFrom(r io.Reader) func() (reestro.Fields, error) {
	d := json.NewDecoder(r)
	d.UseNumber()
	return func() (reestro.Fields, error) {
		var raw map[string]any
		if err := d.Decode(&raw); err != nil {
			if errors.Is(err, io.EOF) {
				return reestro.Fields{}, io.EOF
			}
			return reestro.Fields{}, errors.New("want a JSON object")
		}
		var f reestro.Fields
		into := map[string]*string{
			"surname": &f.Surname, "name": &f.Name, "patronymic": &f.Patronymic, "birth_date": &f.BirthDate,
			"inn": &f.INN, "snils": &f.SNILS, "ogrn": &f.OGRN, "consent": &f.Consent,
		}
		for key, value := range raw {
			place := into[key]
			if place == nil {
				return f, fmt.Errorf("member %.40q is not known", key)
			}
			switch v := value.(type) {
			case nil:
			case string:
				*place = v
			case json.Number:
				*place = v.String()
			case bool:
				*place = map[bool]string{true: "yes", false: "no"}[v]
			default:
				return f, fmt.Errorf("member %s is neither text nor number", key)
			}
		}
		return f, nil
	}
}
