// Dimensions of calendar time coarser than a day, and of its parts.
package catalog

func datePartDimensions() []Dimension {
	const zone = " in the property's time zone"
	part := func(name, uiName, description string, form Form, facts ...Fact) Dimension {
		return Dimension{Name: name, UIName: uiName, Category: "Time", Scope: Time, Facts: facts, Form: form,
			Description: description}
	}
	return []Dimension{
		part("year", "Year", "The year"+zone+", as YYYY.", Plain, LocalYear),
		part("yearMonth", "Year month", "The month"+zone+", as YYYYMM.", Plain, LocalMonth),
		part("month", "Month", "The month of the year, 01 to 12.", MonthOfYear, LocalMonth),
		part("yearWeek", "Year week", "The year and its week, as YYYYWW.", YearAndWeek, LocalYear, LocalWeek),
		part("week", "Week", "The week of the year, 01 to 53. Weeks begin on Sunday, and with the year.",
			WeekOfYear, LocalYear, LocalWeek),
		part("isoYear", "ISO year", "The year to which the ISO week belongs.", ISOYear, LocalISOWeek),
		part("isoWeek", "ISO week of the year", "The ISO week, 01 to 53. It begins on Monday.", ISOWeekOfYear,
			LocalISOWeek),
		part("isoYearIsoWeek", "ISO week of ISO year", "The ISO year and its week, as YYYYWW.", ISOYearAndWeek,
			LocalISOWeek),
		part("day", "Day", "The day of the month, 01 to 31.", DayOfMonth, LocalDate),
		part("dayOfWeek", "Day of week", "The day of the week, 0 for Sunday to 6.", DayOfWeek, LocalDate),
		part("dayOfWeekName", "Day of week name", "The day of the week, by its English name.", DayOfWeekName,
			LocalDate),
		part("nthHour", "Nth hour", "Hours since the range began, by the clock, from 0000.", NthHour, LocalDateHour),
		part("nthDay", "Nth day", "Days since the range began, from 0000.", NthDay, LocalDate),
		part("nthWeek", "Nth week", "Weeks since the one in which the range began, from 0000. They begin on Sunday.",
			NthWeek, LocalWeek),
		part("nthMonth", "Nth month", "Months since the one in which the range began, from 0000.", NthMonth,
			LocalMonth),
		part("nthYear", "Nth year", "Years since the one in which the range began, from 0000.", NthYear, LocalYear),
	}
}
