// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_CONTEXTCOLUMNS
#define FLASHSIM_CONTEXTCOLUMNS

#include "FlashSim/simulate/detail/FlowList.hxx"

#include <ROOT/RDataFrame.hxx>

#include <string>
#include <vector>

namespace FlashSim {

/// A node, and its column for each context variable of each flow.
struct ContextColumns {
   ROOT::RDF::RNode fNode;
   std::vector<std::vector<std::string>> fColumns; ///< numbers, or RVecs of numbers; an RVec at least for each flow
   std::vector<std::vector<std::string>> fLabels;  ///< the same as the user knows them: columns or expressions
};

/// \brief Finds the column of each context variable, and defines those that are given as expressions or numbers.
/// \param[in] own the options of each flow, as ResolveOptions() gives them
/// \throws std::runtime_error for columns that are missing, varied or of a type that holds no numbers, and for numbers
/// that the flow does not allow
ContextColumns ResolveContext(ROOT::RDF::RNode node, const FlowList &flows, const std::vector<FlowOptions> &own,
                              EOutOfRange outOfRange);

/// \brief Name of an internal column: a valid one, different for each text.
///
/// RDataFrame neither lists columns named like this nor writes them by Snapshot.
std::string HiddenColumn(const std::string &text);

} // namespace FlashSim

#endif
