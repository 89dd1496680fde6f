# What is asked of the sample archive, wherever it is kept; sourced by run-sample.sh and
# by tests/run_cluster.py, which say in $out where to write.
echo
echo "One query finds a word in Arabic letters, in Arabizi and in French:"
for language in ary ary-Latn fr; do
    show marsad search whatsapp --lang "$language" --since 2016-02-20 --until 2016-03-10 --limit 2
done

echo
echo "Attitude to each operator, week by week, as the un-liking campaign begins:"
show marsad trends --entity maroc-telecom,inwi,meditel --split entity \
    --since 2016-02-22 --until 2016-03-13

echo
echo "The same over the whole year as a chart, with the events of the case:"
mkdir -p "$out"
show_without_output marsad trends --entity maroc-telecom,inwi,meditel --split entity --by week \
    --annotations morocco-2016 --chart "$out/trends.svg" --chart "$out/trends.png"

echo
echo "A study subset, with its codebook and how to cite it:"
show marsad export 'entity:anrt sentiment:negative' --to "$out/study"
