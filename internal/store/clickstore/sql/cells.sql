-- Cells of a rollup, each of which may be several rows, of clients apart.
SELECT {{.Select}}
FROM (
    SELECT {{.Inner}}
    FROM cells AS c
    WHERE {{.Rows}}
    GROUP BY {{.Cell}}
)
{{.GroupBy}}
